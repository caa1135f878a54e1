// A page without a browser: React draws into jsdom, and a user's hand is played by events.
"use strict";
const { createRequire } = require("node:module");
const path = require("node:path");

/** What a folder of packages holds, with a page to draw into. */
module.exports = function page(folder) {
  const need = createRequire(path.join(folder, "node_modules", "here.js"));
  const { JSDOM } = need("jsdom");
  const dom = new JSDOM("<!doctype html><main></main>", { pretendToBeVisual: true, url: "http://localhost/" });
  const { window } = dom;
  for (const name of Object.getOwnPropertyNames(window)) {
    if (!(name in globalThis)) globalThis[name] = window[name];
  }
  Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });

  const React = need("react");
  const { createRoot } = need("react-dom/client");
  const act = React.act ?? need("react-dom/test-utils").act;
  let root;

  /** Draws an element; the page that it makes. */
  async function draw(element) {
    if (root) await act(async () => root.unmount());
    root = createRoot(window.document.querySelector("main"));
    await act(async () => root.render(element));
    return window.document.querySelector("main");
  }

  /** Enters what a user would into an input, a select or a checkbox. */
  async function enter(control, value) {
    await act(async () => {
      if (control.type === "checkbox") {
        if (control.checked !== value) control.click();
        return;
      }
      if (control.tagName === "SELECT") {
        value = [...control.options].find((option) => option.label === value).value;
      }
      // React sees only what goes through the element's own setter.
      const prototype = Object.getPrototypeOf(control);
      Object.getOwnPropertyDescriptor(prototype, "value").set.call(control, String(value));
      control.dispatchEvent(new window.Event(control.tagName === "SELECT" ? "change" : "input", { bubbles: true }));
    });
  }

  const press = (button) => act(async () => button.click());
  const settle = (milliseconds) => act(() => new Promise((done) => setTimeout(done, milliseconds)));
  return { need, React, draw, enter, press, settle, window };
};
