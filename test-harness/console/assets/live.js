// htmx without what the policy of the pages forbids. This runs after htmx is loaded and before it starts.
(() => {
  "use strict";
  Object.assign(htmx.config, {
    includeIndicatorStyles: false, allowEval: false, allowScriptTags: false, historyEnabled: false, selfRequestsOnly: true,
  });
})();
