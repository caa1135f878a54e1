// Shows each time in the reader's own zone, also those that arrive later, and says so in the foot.
(() => {
  "use strict";
  const minute = new Intl.DateTimeFormat("en-GB", {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  });
  const second = new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
  });
  const show = (root) => {
    for (const time of root.querySelectorAll("time[datetime]:not([data-local])")) {
      const moment = new Date(time.dateTime);
      // A day of a calendar stays that day.
      if (Number.isNaN(moment.getTime()) || time.classList.contains("nowrap")) continue;
      time.title = time.textContent + " UTC";
      time.textContent = (time.dataset.form === "second" ? second : minute).format(moment);
      time.dataset.local = "";
    }
  };
  const start = () => {
    show(document);
    const zone = document.getElementById("zone");
    if (zone) zone.textContent = "Times are in your zone, " + minute.resolvedOptions().timeZone + "; days are UTC.";
    new MutationObserver(() => show(document)).observe(document.body, { childList: true, subtree: true });
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
