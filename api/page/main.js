// The page: submits a capture, follows it, and shows what the fleet does.

import { follow, get, key, onKeyNeeded, post, setKey } from "./api.js";
import { announcement, showCapture } from "./capture.js";
import { askForKeyInDialog, busy, clearErrors, fillForm, onSubmit, readForm, showProblem } from "./form.js";
import { onOpen, put, putAll } from "./gallery.js";
import { element, isFinal } from "./text.js";

const byId = (id) => document.getElementById(id);
const pageSize = 24;

// --- the capture that was asked for

let following = new AbortController();
let announced = "";

function showCurrent(capture) {
  byId("current").hidden = false;
  showCapture(byId("current"), capture, { again });
  put(capture);
  const text = announcement(capture);
  if (text !== announced) byId("announce").replaceChildren(text);
  announced = text;
}

function followCapture(jobId) {
  following.abort();
  following = new AbortController();
  follow(`/v1/captures/${jobId}/events`, {
    signal: following.signal,
    onEvent: (capture) => {
      showCurrent(capture);
      refreshFleet();
      return isFinal(capture.status);
    },
  });
}

async function submit(body) {
  clearErrors();
  busy(true);
  try {
    const { jobId } = await post("/v1/captures", body);
    followCapture(jobId);
  } catch (problem) {
    showProblem(problem);
  } finally {
    busy(false);
  }
}

function again(capture) {
  fillForm(capture.url);
  byId("details").close();
  submit({ url: capture.url, provider: capture.provider, metadata: capture.metadata, ...capture.options });
  byId("url").scrollIntoView({ block: "center" });
}

onSubmit(() => submit(readForm()));

// --- details of any other

let shown = null;

function showDetails(capture) {
  const dialog = byId("details");
  const body = element("div", { class: "current" });
  shown = { id: capture.jobId, body };
  showCapture(body, capture, { again, titleId: "details-title" });
  dialog.replaceChildren(
    element("div", { class: "close" },
      element("button", { type: "button", "aria-label": "Close", onclick: () => dialog.close() }, "✕")),
    body);
  dialog.showModal();
}

byId("details").addEventListener("close", () => { shown = null; });
byId("details").addEventListener("click", (event) => {
  if (event.target === event.currentTarget) event.currentTarget.close(); // the backdrop
});
onOpen(showDetails);

// --- everything else that happens

let oldest = null;

function takePage({ captures, nextCursor }) {
  putAll(captures, { older: true });
  oldest = nextCursor;
  byId("more").hidden = !oldest;
}

byId("more").addEventListener("click", async () => {
  takePage(await get(`/v1/captures?limit=${pageSize}&cursor=${oldest}`));
});

async function refreshGallery() {
  const page = await get(`/v1/captures?limit=${pageSize}`);
  if (oldest === null) takePage(page);
  else putAll(page.captures);
}

let fleetTimer = 0;

function refreshFleet() {
  clearTimeout(fleetTimer);
  fleetTimer = setTimeout(showFleet, 150);
}

async function showFleet() {
  clearTimeout(fleetTimer);
  if (document.hidden) return;
  fleetTimer = setTimeout(showFleet, 5000);
  const fleet = await get("/v1/fleet").catch(() => null);
  if (!fleet) return;
  for (const node of byId("fleet").querySelectorAll("[data-number]")) {
    const value = fleet[node.dataset.number];
    node.replaceChildren(String(value));
    node.parentNode.toggleAttribute("data-alarm", value > 0 && /failed|dead/i.test(node.dataset.number));
    if (node.parentNode.hasAttribute("data-optional")) node.parentNode.hidden = value === 0;
  }
  byId("fleet").hidden = false;
}

let watching = null;

function setLive(on) {
  byId("live").dataset.state = on ? "on" : "off";
  byId("live-text").replaceChildren(on ? "live" : "connecting");
  if (on) refreshGallery().catch(() => {}); // what was missed meanwhile
}

function onChange(capture) {
  put(capture);
  refreshFleet();
  if (shown?.id === capture.jobId) showCapture(shown.body, capture, { again, titleId: "details-title" });
}

// A browser has few connections to one host: hidden tabs give theirs back.
function watch() {
  if (document.hidden) {
    watching?.abort();
    watching = null;
  } else if (!watching) {
    watching = new AbortController();
    follow("/v1/events", { signal: watching.signal, onEvent: onChange, onState: setLive });
    showFleet();
  }
}

// --- the key

onKeyNeeded(async (wrong) => {
  setKey(await askForKeyInDialog(wrong));
  byId("key-button").hidden = false;
});
byId("key-button").hidden = !key();
byId("key-button").addEventListener("click", () => {
  setKey("");
  location.reload();
});

document.addEventListener("visibilitychange", watch);
watch();
