// How far a batch is: one bar in the colours of what became of its captures.

import { element } from "./element.js";
import { seconds, statusWords } from "./words.js";

const order = ["completed", "failed", "cancelled", "submitted", "queued"];

// A bar of <i> whose widths are set by the object model: the policy allows no
// style in markup.
export function bar(batch) {
  const node = element("div", {
    class: "progress",
    role: "progressbar",
    "aria-label": "Progress",
    "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": batch.progress,
    "aria-valuetext": `${batch.progress} %: ${inWords(batch)}`,
  });
  for (const status of order.filter((name) => batch.counts[name] > 0)) {
    const part = element("i", { "data-status": status });
    part.style.flexGrow = batch.counts[status];
    node.append(part);
  }
  return node;
}

export function inWords(batch) {
  return order.filter((status) => batch.counts[status] > 0)
    .map((status) => `${batch.counts[status]} ${statusWords[status]}`).join(", ");
}

export function legend(batch) {
  return element("ul", { class: "legend" }, order
    .filter((status) => batch.counts[status] > 0 || status === "completed")
    .map((status) => element("li", { "data-status": status },
      element("b", {}, batch.counts[status].toLocaleString("en")), ` ${statusWords[status]}`)));
}

// How fast it goes, and how long it will take at that pace.
export function pace(batch) {
  const ended = batch.counts.completed + batch.counts.failed + batch.counts.cancelled;
  const ms = (batch.endedAt ? Date.parse(batch.endedAt) : Date.now()) - Date.parse(batch.submittedAt);
  if (ended === 0 || ms <= 0) return "";
  const rate = `${(ended / (ms / 1000)).toFixed(1)} a second`;
  if (batch.endedAt) return `took ${seconds(ms)}, ${rate}`;
  return `${rate}, ${seconds((batch.total - ended) * (ms / ended))} to go`;
}
