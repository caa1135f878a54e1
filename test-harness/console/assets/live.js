// htmx without what the policy of the pages forbids, and with events only for those who look. This runs after htmx is loaded and before
// it starts.
(() => {
  "use strict";
  Object.assign(htmx.config, {
    includeIndicatorStyles: false, allowEval: false, allowScriptTags: false, historyEnabled: false, selfRequestsOnly: true,
  });

  // A browser has six connections to a server for all its tabs together, and each stream of events takes one. So a tab that is hidden
  // gives its own back, and follows again when it is seen: the server begins with the newest state.
  class EventsWhileSeen {
    #address;
    #listeners = [];
    #source = null;
    #isOver = false;

    constructor(address) {
      this.#address = address;
      document.addEventListener("visibilitychange", this.#look);
      this.#look();
    }

    #look = () => {
      if (document.hidden) {
        this.#source?.close();
        this.#source = null;
      } else if (!this.#source && !this.#isOver) {
        this.#open();
      }
    };

    #open() {
      const source = new EventSource(this.#address, { withCredentials: true });
      this.#source = source;
      source.onopen = (event) => this.onopen?.(event);
      source.onerror = (event) => {
        // The browser does not try again: whoever asked for this does, with another one.
        if (source.readyState === EventSource.CLOSED) this.#end();
        this.onerror?.(event);
      };
      for (const [name, listener] of this.#listeners) source.addEventListener(name, listener);
    }

    #end() {
      this.#isOver = true;
      document.removeEventListener("visibilitychange", this.#look);
    }

    // While it is hidden, it is as if the connection were not there yet.
    get readyState() {
      if (this.#isOver) return EventSource.CLOSED;
      return this.#source?.readyState ?? EventSource.CONNECTING;
    }

    addEventListener(name, listener) {
      this.#listeners.push([name, listener]);
      this.#source?.addEventListener(name, listener);
    }

    removeEventListener(name, listener) {
      this.#listeners = this.#listeners.filter(([known, other]) => known !== name || other !== listener);
      this.#source?.removeEventListener(name, listener);
    }

    close() {
      this.#end();
      this.#source?.close();
    }
  }

  htmx.createEventSource = (address) => new EventsWhileSeen(address);
})();
