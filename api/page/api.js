// Talking to the fleet: requests, problems, live events, and the key.

const storageName = "shotfleet-key";

export class Problem extends Error {
  constructor(status, document) {
    super(document.detail ?? document.error ?? `the fleet answered ${status}`);
    this.status = status;
    this.code = document.code ?? "";
    this.errors = document.errors ?? [];
  }
}

let askForKey = null; // set by onKeyNeeded(); resolves once there is one

export function key() {
  return sessionStorage.getItem(storageName) ?? "";
}

export function setKey(text) {
  if (text) sessionStorage.setItem(storageName, text);
  else sessionStorage.removeItem(storageName);
}

// `ask(wrong)` asks the user; `wrong` when the present key was refused.
export function onKeyNeeded(ask) {
  let asking = null;
  askForKey = (wrong) => {
    asking ??= ask(wrong).finally(() => { asking = null; });
    return asking;
  };
}

async function send(path, options) {
  for (;;) {
    const headers = { ...options.headers };
    const used = key();
    if (used) headers.Authorization = `Bearer ${used}`;
    let answer;
    try {
      answer = await fetch(path, { ...options, headers });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem(0, { code: "UNREACHABLE", detail: "The fleet could not be reached. Is it running?" });
    }
    if (answer.status !== 401 || !askForKey) return answer;
    if (key() === used) await askForKey(used !== "");
  }
}

async function check(answer) {
  if (answer.ok) return answer;
  const document = await answer.json().catch(() => ({}));
  throw new Problem(answer.status, document);
}

export async function get(path, signal) {
  return (await check(await send(path, { signal }))).json();
}

export async function post(path, body) {
  const answer = await send(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await check(answer)).json();
}

// The URL of a picture that an <img> may use: with a key it has to be fetched.
export async function pictureUrl(path) {
  if (!key()) return path;
  const answer = await check(await send(path, {}));
  return URL.createObjectURL(await answer.blob());
}

export function releasePicture(url) {
  if (url.startsWith("blob:")) URL.revokeObjectURL(url);
}

async function* eventsOf(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").filter((line) => line.startsWith("data: "))
        .map((line) => line.slice(6)).join("\n");
      if (data) yield JSON.parse(data);
    }
  }
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

// Server-sent events by fetch, because EventSource cannot send a key.  Connects
// again until `signal` aborts or `onEvent` returns true; `onState` hears true when
// connected, false when not.
export async function follow(path, { signal, onEvent, onState = () => {} }) {
  let tries = 0;
  while (!signal.aborted) {
    try {
      const answer = await check(await send(path, { signal, headers: { Accept: "text/event-stream" } }));
      tries = 0;
      onState(true);
      for await (const event of eventsOf(answer)) {
        if (onEvent(event)) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem && error.status === 404) return;
    }
    onState(false);
    await pause(Math.min(10_000, 500 * 2 ** tries++) * (0.5 + Math.random() / 2), signal);
  }
}
