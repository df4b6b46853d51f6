// All batches, newest first.

import { get } from "./api.js";
import { button, element } from "./element.js";
import { onLine } from "./news.js";
import { failed, heading, loading, openPart, repeat } from "./part.js";
import { bar, inWords, pace } from "./progress.js";
import { ago, count } from "./words.js";

function row(batch) {
  return element("li", {},
    element("a", { class: "row", href: `#/batches/${batch.batchId}` },
      element("strong", {}, count(batch.total, "page")),
      element("span", { class: "soft" }, `${ago(batch.submittedAt)}${batch.endedAt ? `, ${pace(batch)}` : ""}`),
      element("span", { class: "row-words" }, inWords(batch))),
    bar(batch));
}

function nothingYet() {
  return element("div", { class: "empty" },
    element("h3", {}, "No batches yet"),
    element("p", {}, "Choose “Many” on the first page, and give it a list of addresses."),
    element("a", { class: "button", href: "#/" }, "Capture many pages"));
}

export function openBatches() {
  const title = heading("Batches");
  const place = element("div", {}, loading());
  const leave = openPart(element("div", { class: "part" }, element("header", { class: "part-head" }, title), place));
  let shown = 20; // grows with "older ones"

  async function load(signal) {
    try {
      const batches = [];
      let cursor = null;
      do {
        const page = await get(`/v1/batches?limit=20${cursor ? `&cursor=${cursor}` : ""}`, signal);
        batches.push(...page.batches);
        cursor = page.nextCursor;
      } while (cursor && batches.length < shown);
      place.replaceChildren(
        batches.length === 0 ? nothingYet() : element("ul", { class: "rows" }, batches.map(row)),
        cursor ? element("p", { class: "more" }, button("Show older ones", () => { shown += 20; timer.now(); }, { class: "quiet" })) : "");
    } catch (problem) {
      if (!signal.aborted) place.replaceChildren(failed(problem, () => timer.now()));
    }
  }

  const timer = repeat(() => 5000, load);
  const endLine = onLine((up) => { if (up) timer.now(); });
  return {
    title: "Batches",
    heading: title,
    leave() {
      timer.end();
      endLine();
      leave();
    },
  };
}
