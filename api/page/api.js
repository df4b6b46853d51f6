// Talking to the fleet: requests, problems, and the key.

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

// Kept in this tab alone, and sent as a header alone: no URL ever holds it.
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

// The answer, whatever its status but 401: that one asks the user for a key.
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

// A good answer, or a Problem.
export async function request(path, options = {}) {
  const answer = await send(path, options);
  if (answer.ok) return answer;
  throw new Problem(answer.status, await answer.json().catch(() => ({})));
}

export async function get(path, signal) {
  return (await request(path, { signal })).json();
}

// POST, DELETE: the document of the answer, null where it has none.
export async function change(method, path, body) {
  const answer = await request(path, body === undefined ? { method } : {
    method,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  return text === "" ? null : JSON.parse(text);
}

// The URL of a picture that an <img> may use: with a key it has to be fetched.
export async function pictureUrl(path) {
  if (!key()) return path;
  return URL.createObjectURL(await (await request(path)).blob());
}

export function releasePicture(url) {
  if (url.startsWith("blob:")) URL.revokeObjectURL(url);
}
