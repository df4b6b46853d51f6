// One batch: how far it is, what was refused, and its pictures.

import { announce } from "./announce.js";
import { get } from "./api.js";
import { element } from "./element.js";
import { filterOf, filters, fits } from "./filters.js";
import { createGallery } from "./gallery.js";
import { onCapture } from "./news.js";
import { back, failed, heading, openPart, repeat } from "./part.js";
import { bar, inWords, legend, pace } from "./progress.js";
import { clock, count } from "./words.js";

const pauseMs = 700; // between two looks at the numbers while news come in

// Known only to the tab that asked: what was refused became no capture.
function refusals(id) {
  const reasons = JSON.parse(sessionStorage.getItem(`refused-${id}`) ?? "[]");
  if (reasons.length === 0) return null;
  return element("details", { class: "trouble", open: reasons.length <= 5 },
    element("summary", {}, `${count(reasons.length, "address was", "addresses were")} refused`),
    element("ul", {}, reasons.map((reason) => element("li", {}, reason))));
}

export function openBatch([, id], parameters) {
  const filter = filterOf(parameters);
  const title = heading("Batch");
  const numbers = element("div", { class: "numbers" });
  const gallery = createGallery({
    query: { batch: id, ...filter },
    matches: (capture) => capture.batchId === id && fits(filter, capture),
    empty: element("div", { class: "empty" }, element("p", {}, "None of its captures is in this state.")),
  });
  const choice = filters(`#/batches/${id}`, filter);
  const leave = openPart(element("div", { class: "part" },
    back("#/batches", "Batches"),
    element("header", { class: "part-head" }, title),
    numbers, refusals(id) ?? "",
    element("div", { class: "heading" }, element("h2", {}, "Captures"), choice),
    gallery.node));
  let ended = null; // not known yet
  let soon = 0;

  async function load(signal) {
    try {
      const batch = await get(`/v1/batches/${id}`, signal);
      title.replaceChildren(`Batch of ${count(batch.total, "page")}`);
      numbers.replaceChildren(
        element("p", { class: "percent" }, element("b", {}, `${batch.progress} %`), element("span", { class: "soft" }, pace(batch) || `asked ${clock(batch.submittedAt)}`)),
        bar(batch), legend(batch));
      if (batch.endedAt && ended === false) announce(`The batch has ended: ${inWords(batch)}`);
      ended = batch.endedAt !== null;
    } catch (problem) {
      if (!signal.aborted && ended === null) numbers.replaceChildren(failed(problem, () => timer.now()));
    }
  }

  const timer = repeat(() => 5000, load);
  const endNews = onCapture((capture) => {
    if (capture.batchId !== id || soon) return;
    soon = setTimeout(() => { soon = 0; timer.now(); }, pauseMs);
  });
  return {
    title: "Batch",
    heading: title,
    filter: choice.querySelector("[aria-current]"),
    leave() {
      clearTimeout(soon);
      timer.end();
      endNews();
      gallery.leave();
      leave();
    },
  };
}
