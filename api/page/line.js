// Whether the page hears from the fleet: a dot in the header, and a banner once
// the silence lasts.

import { onLine } from "./news.js";

const patienceMs = 1500; // a restart of api is no reason to worry anybody

export function startLine() {
  const banner = document.getElementById("banner");
  let timer = 0;
  onLine((up) => {
    clearTimeout(timer);
    document.getElementById("line").dataset.state = up ? "on" : "off";
    document.getElementById("line-text").replaceChildren(up ? "live" : "connecting");
    if (up) {
      banner.hidden = true;
      return;
    }
    timer = setTimeout(() => {
      banner.hidden = false;
      banner.replaceChildren(navigator.onLine
        ? "The fleet does not answer. What you see may be old; the page connects again by itself."
        : "You are offline. The page connects again by itself.");
    }, patienceMs);
  });
}
