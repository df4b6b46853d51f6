// How a capture went and what can be done about it: the parts beside its picture.

import { announce } from "./announce.js";
import { change } from "./api.js";
import { button, element, icon } from "./element.js";
import { learn } from "./news.js";
import { pictureLinks } from "./picture.js";
import { bytes, clock, isFinal, seconds, shortUrl, statusWords, whatToDo } from "./words.js";

export function chip(status) {
  return element("span", { class: "chip", "data-status": status }, statusWords[status]);
}

function since(capture, time) {
  return time ? seconds(Date.parse(time) - Date.parse(capture.submittedAt)) : "";
}

function step(state, text, time) {
  return element("li", { "data-state": state, "aria-current": state === "now" ? "step" : null },
    element("span", {}, text), element("time", {}, time));
}

export function steps(capture) {
  const { status } = capture;
  const started = capture.startedAt !== null || status === "submitted";
  const last = {
    failed: () => step("failed", "failed", since(capture, capture.failedAt)),
    cancelled: () => step("failed", "cancelled", since(capture, capture.cancelledAt)),
    completed: () => step("done", "picture stored", since(capture, capture.completedAt)),
  }[status] ?? (() => step("todo", "picture stored", ""));
  const now = isFinal(status) ? "done" : "now";
  return element("ol", { class: "steps" },
    step(status === "queued" ? "now" : "done", "accepted", "0.0 s"),
    step(started ? (status === "submitted" ? now : "done") : "todo",
      capture.attempt > 1 ? `with the provider, attempt ${capture.attempt}` : "with the provider",
      since(capture, capture.startedAt)),
    last());
}

export function trouble(capture) {
  if (!capture.error || capture.status === "completed") return null;
  const code = capture.error.code ?? "UNKNOWN";
  return element("div", { class: "trouble" },
    element("p", {}, element("strong", {}, code)),
    element("p", {}, isFinal(capture.status) ? whatToDo(code) : "It is tried again."),
    capture.error.message ? element("p", { class: "reason" }, capture.error.message) : null);
}

function fact(name, ...value) {
  return value[0] === null || value[0] === "" ? [] : [element("dt", {}, name), element("dd", {}, ...value)];
}

function optionWords(options) {
  return Object.entries(options)
    .map(([name, value]) => (value === true ? name : `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`))
    .join(", ");
}

const longUrl = 100; // the headline shows three lines of it

export function facts(capture, { whole = false } = {}) {
  const image = capture.image;
  const size = image && image.width ? `${image.width} × ${image.height}` : null;
  const metadata = Object.keys(capture.metadata).length > 0;
  return element("dl", { class: "facts" },
    fact("Size", image ? [size, bytes(image.size)].filter(Boolean).join(", ") : null),
    whole && capture.url.length > longUrl ? fact("Address", capture.url) : [],
    fact("Options", optionWords(capture.options)),
    fact("Asked", clock(capture.submittedAt)),
    whole ? fact("Provider", capture.provider) : [],
    whole ? fact("Attempt", `${capture.attempt} of ${capture.maxAttempts}`) : [],
    capture.batchId ? fact("Batch", element("a", { href: `#/batches/${capture.batchId}` }, "its batch")) : [],
    whole && metadata ? fact("Metadata", element("code", {}, JSON.stringify(capture.metadata))) : [],
    fact("Id", element("code", {}, capture.jobId)));
}

export function outcome(capture) {
  const name = shortUrl(capture.url);
  if (capture.status === "completed" && capture.image?.width) {
    return `The picture of ${name} is ready: ${capture.image.width} by ${capture.image.height} pixels`;
  }
  if (capture.status === "failed") return `The capture of ${name} failed. ${whatToDo(capture.error?.code)}`;
  return `${name} is ${statusWords[capture.status]}`;
}

// --- what can be done

// The clipboard's API exists only on https and loopback.
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = element("textarea", {}, text);
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

async function copyLink(event, capture) {
  const own = event.currentTarget;
  await copy(new URL(`#/captures/${capture.jobId}`, location.href).href);
  own.replaceChildren(icon("check"), "Copied");
  announce("The link is copied");
  setTimeout(() => own.replaceChildren(icon("link"), "Copy link"), 2000);
}

async function act(event, method, path) {
  const place = event.currentTarget.closest(".actions").nextElementSibling;
  event.currentTarget.setAttribute("aria-disabled", "true");
  try {
    learn(await change(method, path));
  } catch (problem) {
    place.replaceChildren(problem.message);
  }
  document.activeElement?.removeAttribute("aria-disabled");
}

// `again(capture)` submits the same once more.
export function actions(capture, { again, page = true } = {}) {
  const path = `/v1/captures/${capture.jobId}`;
  const { status } = capture;
  return [
    element("p", { class: "actions" },
      capture.image && !capture.image.removedAt ? pictureLinks(capture) : [],
      status === "failed" || status === "cancelled"
        ? button([icon("again"), "Retry"], (event) => act(event, "POST", `${path}/retry`), { class: "main" }) : null,
      status === "completed" && again ? button([icon("again"), "Capture again"], () => again(capture)) : null,
      isFinal(status) ? null : button([icon("close"), "Cancel"], (event) => act(event, "DELETE", path)),
      page ? element("a", { class: "button", href: `#/captures/${capture.jobId}` }, icon("details"), "Details")
        : button([icon("link"), "Copy link"], (event) => copyLink(event, capture))),
    element("p", { class: "error", role: "alert" }),
  ];
}
