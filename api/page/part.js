// What the parts of the page that are made anew each time have in common.

import { button, element, icon } from "./element.js";

const place = document.getElementById("view");

export function heading(text) {
  return element("h1", { tabindex: "-1" }, text);
}

// Shows a part; returns the function that takes it away.
export function openPart(...children) {
  place.replaceChildren(...children);
  place.hidden = false;
  return () => {
    place.hidden = true;
    place.replaceChildren();
  };
}

export function back(href, text) {
  return element("a", { class: "back", href }, icon("left"), text);
}

export function loading() {
  return element("p", { class: "loading", role: "status" }, "Loading");
}

// In the place of what could not be loaded.
export function failed(problem, again) {
  const words = problem.status === 404 ? "There is nothing under this address. It may have been deleted." : problem.message;
  return element("div", { class: "empty", role: "alert" },
    icon("alert"), element("p", {}, words),
    problem.status === 404 ? element("a", { class: "button", href: "#/" }, "All captures") : button("Try again", again));
}

// Calls `action` now, every `ms()` while the tab is seen, and soon after `now()`; one
// call at a time.  Returns { now, end }.
export function repeat(ms, action) {
  const abort = new AbortController();
  let timer = 0;
  let running = false;
  let wanted = false;
  async function run() {
    clearTimeout(timer);
    wanted = running;
    if (abort.signal.aborted || running) return;
    running = true;
    if (!document.hidden) await action(abort.signal);
    running = false;
    if (!abort.signal.aborted) timer = setTimeout(run, wanted ? 0 : ms());
  }
  document.addEventListener("visibilitychange", run, { signal: abort.signal });
  run();
  return {
    now: run,
    end() {
      abort.abort();
      clearTimeout(timer);
    },
  };
}
