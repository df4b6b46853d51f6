// Server-sent events by fetch, because EventSource cannot send a key.

import { Problem, request } from "./api.js";

const silenceMs = 45_000; // three heart-beats missed: the line is dead

async function* eventsOf(answer, onBytes) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    onBytes();
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = { name: "message", id: "", data: "" };
      for (const line of block.split("\n")) {
        const at = line.indexOf(": ");
        if (at > 0) event[line.slice(0, at) === "event" ? "name" : line.slice(0, at)] = line.slice(at + 2);
      }
      if (event.data) yield event;
    }
  }
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

// Connects again until `signal` aborts, from the last event that it saw.
// `onEvent` gets { name, id, data }, `onState` true when connected, false when not.
export async function follow(path, { signal, onEvent, onState }) {
  let tries = 0;
  let last = "";
  while (!signal.aborted) {
    const line = new AbortController();
    const cut = () => line.abort();
    let watchdog = 0;
    const awake = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(cut, silenceMs);
    };
    signal.addEventListener("abort", cut, { once: true });
    try {
      const headers = { Accept: "text/event-stream" };
      if (last) headers["Last-Event-ID"] = last;
      const answer = await request(path, { signal: line.signal, headers });
      tries = 0;
      onState(true);
      awake();
      for await (const event of eventsOf(answer, awake)) {
        last = event.id || last;
        onEvent(event);
      }
    } catch (error) {
      if (!(error instanceof Problem || error.name === "AbortError" || error instanceof TypeError)) throw error;
    } finally {
      clearTimeout(watchdog);
      signal.removeEventListener("abort", cut);
    }
    if (signal.aborted) return;
    onState(false);
    await pause(Math.min(10_000, 500 * 2 ** tries++) * (0.5 + Math.random() / 2), signal);
  }
}
