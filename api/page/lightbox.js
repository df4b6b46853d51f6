// One picture over everything else, and its neighbours by the arrow keys.

import { button, element, heard, icon } from "./element.js";
import { frame, frameKey } from "./frame.js";
import { onCapture } from "./news.js";
import { pictureLinks } from "./picture.js";
import { chip } from "./story.js";
import { bytes, shortUrl, whatToDo } from "./words.js";

const dialog = document.getElementById("lightbox");
let shown = null; // { capture, neighbour }

function about(capture) {
  if (capture.status === "failed") return whatToDo(capture.error?.code);
  if (capture.image?.width) return `${capture.image.width} × ${capture.image.height}, ${bytes(capture.image.size)}`;
  return "";
}

function show(capture) {
  shown.capture = capture;
  const turn = (by, sign, text) => button([icon(sign), heard(text)], () => step(by), {
    class: `turn ${sign}`, disabled: shown.neighbour(capture.jobId, by) === null,
  });
  dialog.replaceChildren(
    element("header", {},
      element("div", {},
        element("h2", { id: "lightbox-title", title: capture.url }, shortUrl(capture.url)),
        element("p", {}, chip(capture.status), " ", about(capture))),
      element("p", { class: "actions" },
        capture.image ? pictureLinks(capture) : [],
        element("a", { class: "button", href: `#/captures/${capture.jobId}`, onclick: () => dialog.close() },
          icon("details"), "Details"),
        button([icon("close"), heard("Close")], () => dialog.close(), { class: "round" }))),
    turn(-1, "left", "Previous picture"),
    frame(capture),
    turn(1, "right", "Next picture"));
}

function step(by) {
  const next = shown.neighbour(shown.capture.jobId, by);
  if (next === null) return;
  show(next);
  // the arrow that was used may have come to its end
  const wish = dialog.querySelector(by < 0 ? ".turn.left" : ".turn.right");
  (wish.disabled ? dialog.querySelector(".turn:enabled") : wish).focus();
}

// `neighbour(id, by)` is the capture before (-1) or after (1), or null; `closed(id)`
// hears which one was shown last.
export function openLightbox(capture, { neighbour, closed }) {
  shown = { neighbour };
  show(capture);
  const end = onCapture((news) => {
    if (news.jobId === shown.capture.jobId && frameKey(news) !== frameKey(shown.capture)) show(news);
  });
  dialog.onclose = () => {
    end();
    closed(shown.capture.jobId);
    dialog.replaceChildren();
  };
  dialog.showModal();
  dialog.querySelector(".round").focus();
}

dialog.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!by) return;
  event.preventDefault();
  step(by);
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close(); // the backdrop
});
