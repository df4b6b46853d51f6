// What is known of captures, kept up to date by one stream of events for the
// whole page; whoever shows captures listens here.

import { get } from "./api.js";
import { follow } from "./live.js";

const knownMax = 5000;
const known = new Map(); // id to the newest document
const listeners = new Set();
const stateListeners = new Set();
const order = ["queued", "submitted", "completed", "failed", "cancelled"];
let watching = null;
let connected = null; // null: not known yet

// An answer may be overtaken by an event; a job only moves forward.
function isOlder(capture, than) {
  const place = (c) => [c.attempt, order.indexOf(c.status), c.progress ?? 0];
  const [a, b] = [place(capture), place(than)];
  const at = a.findIndex((value, i) => value !== b[i]);
  return at >= 0 && a[at] < b[at];
}

// The newest document of the same capture, which may not be this one.
export function learn(capture) {
  const before = known.get(capture.jobId);
  if (before && isOlder(capture, before)) return before;
  known.delete(capture.jobId);
  known.set(capture.jobId, capture);
  if (known.size > knownMax) known.delete(known.keys().next().value);
  for (const listener of listeners) listener(capture);
  return capture;
}

export async function fetchCapture(id, signal) {
  return learn(await get(`/v1/captures/${id}`, signal));
}

// Each returns a function that ends it.
export function onCapture(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// Hears true whenever something may have been missed, false when the line is down.
export function onLine(listener) {
  stateListeners.add(listener);
  if (connected !== null) listener(connected);
  return () => stateListeners.delete(listener);
}

function setConnected(state) {
  connected = state;
  for (const listener of stateListeners) listener(state);
}

// A browser has few connections to one host: hidden tabs give theirs back.
function watch() {
  if (document.hidden) {
    watching?.abort();
    watching = null;
  } else if (!watching) {
    watching = new AbortController();
    follow("/v1/events", {
      signal: watching.signal,
      onEvent: ({ name, data }) => (name === "resync" ? setConnected(true) : learn(JSON.parse(data))),
      onState: setConnected,
    });
  }
}

export function startNews() {
  document.addEventListener("visibilitychange", watch);
  watch();
}
