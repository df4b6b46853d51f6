// One capture in full: its picture, how it went, what it is.  Used for the one
// that was just asked for and for the details of any other.

import { picture, pictureLinks } from "./picture.js";
import { bytes, element, isFinal, seconds, shortUrl, statusWords, whatToDo } from "./text.js";

function view(capture) {
  if (capture.status === "completed") {
    return picture(capture, `Screenshot of ${shortUrl(capture.url)}`)
      ?? element("p", {}, "The page as a PDF: open or download it.");
  }
  if (capture.status === "failed") return element("p", {}, "No picture.");
  if (capture.status === "cancelled") return element("p", {}, "Cancelled.");
  const percent = capture.progress === null ? "" : ` ${capture.progress} %`;
  return element("div", {},
    element("div", { class: "spinner", "aria-hidden": "true" }),
    element("p", {}, capture.status === "queued" ? "Waiting for its turn" : `Being captured${percent}`));
}

function since(capture, time) {
  return time ? seconds(Date.parse(time) - Date.parse(capture.submittedAt)) : "";
}

function step(state, text, time) {
  return element("li", { "data-state": state, "aria-current": state === "now" ? "step" : null },
    text, element("time", {}, time));
}

function steps(capture) {
  const { status } = capture;
  const started = capture.startedAt !== null || status === "submitted";
  const last = {
    failed: step("failed", "failed", since(capture, capture.failedAt)),
    cancelled: step("failed", "cancelled", since(capture, capture.cancelledAt)),
    completed: step("done", "picture stored", since(capture, capture.completedAt)),
  }[status] ?? step("todo", "picture stored", "");
  const now = isFinal(status) ? "done" : "now";
  return element("ol", { class: "steps" },
    step(status === "queued" ? "now" : "done", "accepted", "0.0 s"),
    step(started ? (status === "submitted" ? now : "done") : "todo",
      capture.attempt > 1 ? `with the provider, attempt ${capture.attempt}` : "with the provider",
      since(capture, capture.startedAt)),
    last);
}

function trouble(capture) {
  if (!capture.error || capture.status === "completed") return null;
  const code = capture.error.code ?? "UNKNOWN";
  return element("div", { class: "trouble" },
    element("p", {}, element("strong", {}, code), " ", isFinal(capture.status) ? whatToDo(code) : "It is tried again."),
    capture.error.message ? element("p", { class: "reason" }, capture.error.message) : null);
}

function fact(name, value) {
  return value === null || value === "" ? [] : [element("dt", {}, name), element("dd", {}, value)];
}

function facts(capture) {
  const image = capture.image;
  const size = image && image.width ? `${image.width} × ${image.height}` : null;
  const options = Object.entries(capture.options)
    .map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");
  return element("dl", { class: "facts" },
    fact("Size", image ? [size, bytes(image.size)].filter(Boolean).join(", ") : null),
    fact("Options", options),
    fact("Asked", new Date(capture.submittedAt).toLocaleString()),
    fact("Id", element("code", {}, capture.jobId)));
}

export function announcement(capture) {
  const name = shortUrl(capture.url);
  if (capture.status === "completed" && capture.image) {
    return `The picture of ${name} is ready: ${capture.image.width} by ${capture.image.height} pixels`;
  }
  if (capture.status === "failed") return `The capture of ${name} failed. ${whatToDo(capture.error?.code)}`;
  return `${name} is ${statusWords[capture.status]}`;
}

// Fills `place`; `again` is called for another try, `titleId` names the headline.
export function showCapture(place, capture, { again, titleId } = {}) {
  place.replaceChildren(
    element("figure", { class: "frame" },
      element("figcaption", { title: capture.url }, capture.url),
      element("div", { class: "view", tabindex: capture.image ? "0" : null, role: capture.image ? "region" : null, "aria-label": capture.image ? "Picture" : null }, view(capture))),
    element("div", { class: "story" },
      element("h2", { id: titleId }, shortUrl(capture.url)),
      steps(capture),
      trouble(capture),
      facts(capture),
      element("p", { class: "actions" },
        capture.image ? pictureLinks(capture) : [],
        again && isFinal(capture.status)
          ? element("button", { type: "button", onclick: () => again(capture) }, "Capture again") : null)));
}
