// The latest captures, newest first, kept up to date by live events.

import { picture } from "./picture.js";
import { ago, element, shortUrl, statusWords } from "./text.js";

const list = document.getElementById("gallery");
const empty = document.getElementById("empty");
const cards = new Map(); // id to { node, capture }
let open = () => {};

function thumb(capture) {
  if (capture.status === "completed") return picture(capture, "") ?? "PDF";
  if (capture.status === "failed") return element("code", {}, capture.error?.code ?? "failed");
  if (capture.status !== "submitted") return statusWords[capture.status];
  return element("span", { class: "spinner", "aria-hidden": "true" });
}

function fill(button, capture) {
  button.replaceChildren(
    element("span", { class: "thumb" }, thumb(capture)),
    element("span", { class: "card-text" },
      element("strong", { title: capture.url }, shortUrl(capture.url)),
      element("span", {},
        element("span", { class: "chip", "data-status": capture.status }, statusWords[capture.status]),
        element("time", { datetime: capture.submittedAt }, ago(capture.submittedAt)))));
}

function add(capture) {
  const button = element("button", { type: "button", onclick: () => open(cards.get(capture.jobId).capture) });
  const node = element("li", {}, button);
  fill(button, capture);
  cards.set(capture.jobId, { node, capture });
  // ids are in order of time
  const after = [...list.children].find((other) => other.dataset.id < capture.jobId);
  node.dataset.id = capture.jobId;
  list.insertBefore(node, after ?? null);
  empty.hidden = true;
}

function looks(capture) {
  return JSON.stringify([capture.status, capture.image, capture.error]);
}

// `older` allows captures below the last one shown.
export function put(capture, { older = false } = {}) {
  const card = cards.get(capture.jobId);
  if (card) {
    const changed = looks(card.capture) !== looks(capture);
    card.capture = capture;
    if (changed) fill(card.node.firstChild, capture);
  } else if (older || !list.lastChild || list.lastChild.dataset.id < capture.jobId) {
    add(capture);
  }
}

export function putAll(captures, options) {
  for (const capture of captures) put(capture, options);
  empty.hidden = cards.size > 0;
}

export function onOpen(handler) {
  open = handler;
}

setInterval(() => {
  for (const node of list.querySelectorAll("time")) node.replaceChildren(ago(node.dateTime));
}, 20_000);
