// The first page: ask for captures, see them come.

import { announce } from "./announce.js";
import { change } from "./api.js";
import { startComposer } from "./composer.js";
import { button, element } from "./element.js";
import { filterOf, filters, fits } from "./filters.js";
import { frame, frameKey, storyKey } from "./frame.js";
import { createGallery } from "./gallery.js";
import { fetchCapture, onCapture, onLine } from "./news.js";
import { actions, facts, outcome, steps, trouble } from "./story.js";
import { count, isFinal, shortUrl } from "./words.js";

const byId = (id) => document.getElementById(id);
let current = null; // id of the capture that was asked for here
let shown = { frame: "", story: "" };
let composer = null;

// --- the capture that was asked for

function showCurrent(capture) {
  const keys = { frame: frameKey(capture), story: storyKey(capture) };
  const before = shown;
  if (capture.jobId !== current || before.frame === keys.frame) return;
  shown = keys;
  byId("current").hidden = false;
  byId("current").firstElementChild.replaceWith(frame(capture));
  if (before.story === keys.story) return;
  byId("current").lastElementChild.replaceChildren(
    element("h2", {}, shortUrl(capture.url)),
    ...[steps(capture), trouble(capture), facts(capture), ...actions(capture, { again })].filter(Boolean));
  if (isFinal(capture.status) || capture.status === "queued") announce(outcome(capture));
}

function again(capture) {
  byId("url").scrollIntoView({ block: "center" });
  return change("POST", "/v1/captures", {
    url: capture.url, provider: capture.provider, metadata: capture.metadata, ...capture.options,
  }).then(follow).catch((problem) => announce(problem.message));
}

async function follow({ jobId }) {
  current = jobId;
  showCurrent(await fetchCapture(jobId));
}

// What was refused is told there, with the batch; see batch_page.js.
function openBatch({ batchId, refused, captures }, body) {
  const reasons = captures.flatMap(({ problem }, i) => (problem
    ? [`${body.captures[i].url} ${problem.errors.map((error) => error.reason).join(", ")}`] : []));
  if (refused > 0) sessionStorage.setItem(`refused-${batchId}`, JSON.stringify(reasons));
  announce(`${count(captures.length - refused, "capture")} accepted`);
  location.hash = `#/batches/${batchId}`;
}

async function submit(body) {
  const receipt = await change("POST", "/v1/captures", body);
  if (receipt.batchId) openBatch(receipt, body);
  else await follow(receipt);
}

export function startCaptures() {
  composer = startComposer(submit);
  onCapture(showCurrent);
  onLine((up) => { if (up && current) fetchCapture(current).catch(() => {}); });
}

// --- the latest ones

function nothingYet() {
  return element("div", { class: "empty" },
    element("img", { src: "/page/icon.svg", alt: "", width: 56, height: 56 }),
    element("h3", {}, "Nothing here yet"),
    element("p", {}, "The first picture is one address away."),
    button("Capture the demo page", () => composer.submit(`${location.origin}/demo/`)));
}

function nothingFits() {
  return element("div", { class: "empty" },
    element("h3", {}, "No such captures"),
    element("p", {}, element("a", { href: "#/" }, "Show all")));
}

export function openCaptures(_, parameters) {
  const filter = filterOf(parameters);
  const empty = Object.keys(filter).length > 0 ? nothingFits() : nothingYet();
  const gallery = createGallery({ query: filter, matches: (capture) => fits(filter, capture), empty });
  const heading = element("h2", {}, "Latest captures");
  const bar = filters("#/", filter);
  byId("captures").hidden = false;
  byId("latest").replaceChildren(element("div", { class: "heading" }, heading, bar), gallery.node);
  return {
    title: "",
    heading: byId("ask-title"),
    filter: bar.querySelector("[aria-current]"),
    leave() {
      gallery.leave();
      byId("captures").hidden = true;
    },
  };
}
