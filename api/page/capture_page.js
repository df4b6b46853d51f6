// One capture: its picture, everything that happened to it, what can be done.

import { announce } from "./announce.js";
import { change, get } from "./api.js";
import { element } from "./element.js";
import { frame, frameKey, storyKey } from "./frame.js";
import { fetchCapture, onCapture, onLine } from "./news.js";
import { back, failed, heading, loading, openPart } from "./part.js";
import { actions, chip, facts, outcome, trouble } from "./story.js";
import { clock, isFinal, seconds, shortUrl } from "./words.js";

const eventWords = {
  accepted: "Accepted",
  submitted: "Given to the provider",
  progress: "The provider is at work",
  completed: "Picture stored",
  failed: "Failed",
  retry: "Went wrong, to be tried again",
  postpone: "Nobody took it, to be tried again",
  ignored: "News that changed nothing",
  dead: "Laid aside as a dead letter",
  cancel: "Cancelled",
  restart: "Retried by a person",
  callback: "Your application was called",
};

const sourceWords = {
  api: "by the API", webhook: "by a webhook", poll: "found by asking", retry: "from a dead letter",
};

const outcomeWords = {
  duplicate: "heard before", ignored: "ignored", dead: "dead letter",
  waiting: "not taken yet", "given-up": "given up", delivered: "taken",
};

function moodOf(event) {
  if (event.event === "failed" || event.event === "dead" || event.outcome === "dead") return "bad";
  if (event.event === "retry" || event.event === "postpone" || event.outcome === "waiting") return "busy";
  if (event.event === "completed") return "good";
  return "";
}

// A provider may tell a hundred times that it is at work.
function runs(events) {
  const found = [];
  for (const event of events) {
    const last = found.at(-1);
    if (event.event === "progress" && last?.event === "progress" && last.attempt === event.attempt) last.times++;
    else found.push({ ...event, times: 1 });
  }
  return found;
}

function timeline(events) {
  const start = Date.parse(events[0]?.at);
  return element("ol", { class: "timeline" }, runs(events).map((event) => element("li", { "data-mood": moodOf(event) },
    element("time", { datetime: event.at, title: clock(event.at) }, `+${seconds(Date.parse(event.at) - start)}`),
    element("div", {},
      element("strong", {}, eventWords[event.event] ?? event.event),
      element("span", { class: "tags" },
        [event.attempt > 1 ? `attempt ${event.attempt}` : null,
          event.by ? `by ${event.by}` : sourceWords[event.source],
          event.times > 1 ? `${event.times} times` : null,
          outcomeWords[event.outcome]].filter(Boolean).join(", ")),
      event.error ? element("p", { class: "reason" }, event.error) : null))));
}

export function openCapture([, id]) {
  const abort = new AbortController();
  const title = heading("Capture");
  const state = element("p", { class: "state" });
  const stage = element("div", { class: "stage" }, loading());
  const side = element("div", { class: "story" });
  const history = element("section", { "aria-labelledby": "history-title", hidden: true });
  const leave = openPart(
    element("div", { class: "part capture-part" },
      back("#/", "Captures"),
      element("header", { class: "part-head" }, title, state),
      stage, side, history));
  let shown = { frame: "", story: "" };

  async function again(capture) {
    try {
      const { jobId } = await change("POST", "/v1/captures", {
        url: capture.url, provider: capture.provider, metadata: capture.metadata, ...capture.options,
      });
      location.hash = `#/captures/${jobId}`;
    } catch (problem) {
      side.querySelector(".error").replaceChildren(problem.message);
    }
  }

  async function showHistory() {
    const { events } = await get(`/v1/captures/${id}/history`, abort.signal);
    history.hidden = false;
    history.replaceChildren(element("h2", { id: "history-title" }, "Timeline"), timeline(events));
  }

  function show(capture) {
    const keys = { frame: frameKey(capture), story: storyKey(capture) };
    const before = shown;
    if (capture.jobId !== id || before.frame === keys.frame) return;
    shown = keys;
    stage.replaceChildren(frame(capture));
    if (before.story === keys.story) return;
    const focused = side.contains(document.activeElement);
    title.replaceChildren(shortUrl(capture.url));
    document.title = `${shortUrl(capture.url)} · Shotfleet`;
    state.replaceChildren(chip(capture.status), " ", element("a", { href: capture.url, rel: "noopener noreferrer", target: "_blank" }, "Visit the page"));
    side.replaceChildren(
      ...actions(capture, { again, page: false }),
      ...[trouble(capture)].filter(Boolean),
      element("h2", {}, "About"),
      facts(capture, { whole: true }));
    if (focused) title.focus({ preventScroll: true });
    if (before.story !== "" && (isFinal(capture.status) || capture.status === "queued")) announce(outcome(capture));
    showHistory().catch(() => { history.hidden = true; });
  }

  async function load() {
    try {
      show(await fetchCapture(id, abort.signal));
    } catch (problem) {
      if (!abort.signal.aborted && shown.frame === "") stage.replaceChildren(failed(problem, load));
    }
  }

  const endNews = onCapture(show);
  const endLine = onLine((up) => { if (up) load(); });
  load();
  return {
    title: "Capture",
    heading: title,
    leave() {
      abort.abort();
      endNews();
      endLine();
      leave();
    },
  };
}
