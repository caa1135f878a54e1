// Finds things as people do: by the words that they read.
const read = (text) => (text ?? "").replace(/\s+/g, " ").trim();
const isShown = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
const name = (element) => read(element.getAttribute("aria-label") ?? element.innerText);
// The whole name counts more than its beginning.
const called = (elements, wanted) =>
  elements.find((element) => name(element) === wanted) ?? elements.find((element) => name(element).startsWith(wanted));
const target = (wanted) =>
  called([...document.querySelectorAll("a[href], button, summary, label")].filter(isShown), wanted);
const field = (wanted) => called([...document.querySelectorAll("label")].filter(isShown), wanted)?.control;
// Where to click on something, and whether that hits it.
const point = (element) => {
  element.scrollIntoView({ block: "center", behavior: "instant" });
  const box = element.getClientRects()[0];
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const hit = document.elementFromPoint(x, y);
  return element.contains(hit) || hit?.contains(element) ? { x, y } : { covered: hit?.outerHTML };
};
