// The picture of a capture, or what stands in its place: large in a frame that
// looks like a browser's window, and small as a thumbnail.

import { element, icon, svg } from "./element.js";
import { isSeen, picture } from "./picture.js";
import { ago, shortUrl, statusWords } from "./words.js";

const around = 2 * Math.PI * 15;

// A ring that fills as the provider tells how far it is, and turns until it does.
function ring(progress) {
  const known = progress !== null && progress > 0;
  return svg("svg", { class: known ? "ring" : "ring turning", viewBox: "0 0 36 36", "aria-hidden": "true" },
    svg("circle", { class: "track", cx: 18, cy: 18, r: 15 }),
    svg("circle", {
      class: "arc", cx: 18, cy: 18, r: 15,
      "stroke-dasharray": `${around * (known ? progress / 100 : 0.28)} ${around}`,
    }));
}

function instead(capture, ...words) {
  const signs = {
    queued: () => icon("clock"),
    submitted: () => ring(capture.progress),
    completed: () => icon(capture.image.removedAt ? "close" : "download"),
    failed: () => icon("alert"),
    cancelled: () => icon("close"),
  };
  return element("div", { class: "instead", "data-status": capture.status }, signs[capture.status](), words);
}

function waiting(capture) {
  if (capture.status === "queued") return capture.attempt > 1 ? "Waiting for another try" : "Waiting for its turn";
  return capture.progress ? `Being captured, ${capture.progress} %` : "Being captured";
}

// What the parts beside a picture depend on: to draw them anew for less would take
// a button from under the pointer.
export function storyKey(capture) {
  return JSON.stringify([capture.jobId, capture.status, capture.attempt, capture.image?.sha256, capture.image?.removedAt, capture.error]);
}

export function frameKey(capture) {
  return storyKey(capture) + capture.progress;
}

function view(capture) {
  switch (capture.status) {
  case "completed":
    if (isSeen(capture)) return picture(capture, `Screenshot of ${shortUrl(capture.url)}`);
    return instead(capture, element("p", {}, capture.image.removedAt
      ? `The picture was removed ${ago(capture.image.removedAt)}: this fleet keeps pictures for a limited time.`
      : "A PDF. Download it, or open it."));
  case "failed":
    return instead(capture, element("p", {}, "No picture."));
  case "cancelled":
    return instead(capture, element("p", {}, "Cancelled."));
  default:
    return instead(capture, element("p", {}, waiting(capture)));
  }
}

export function frame(capture) {
  const shown = isSeen(capture);
  const narrow = shown && capture.image.width < 700;
  return element("figure", { class: "frame" },
    element("figcaption", { title: capture.url }, element("span", {}, capture.url)),
    element("div", {
      class: narrow ? "view narrow" : "view",
      // a region that scrolls has to be reached by the keyboard
      tabindex: shown ? "0" : null,
      role: shown ? "region" : null,
      "aria-label": shown ? "Picture" : null,
    }, view(capture)));
}

export function thumbnail(capture) {
  if (isSeen(capture)) return picture(capture, "", { small: true });
  if (capture.status === "completed") return instead(capture, element("p", {}, capture.image.removedAt ? "picture removed" : "PDF"));
  if (capture.status === "failed") return instead(capture, element("code", {}, capture.error?.code ?? "failed"));
  const percent = capture.status === "submitted" && capture.progress ? ` ${capture.progress}\u00a0%` : "";
  return instead(capture, element("p", {}, `${statusWords[capture.status]}${percent}`));
}
