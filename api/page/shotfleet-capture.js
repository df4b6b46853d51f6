// <shotfleet-capture>: a form, a spinner, and the picture once it is there.  One
// file without dependencies, for any page, also of another origin (docs/embed.md).
//
// No API key belongs into a page: the form posts to a server of yours (`submit`),
// which adds the key and hands the fleet's receipt on; the watch token in it
// follows this one capture and nothing else.

const own = new URL(import.meta.url).origin;
const firstWordMs = 5000; // a line that has said nothing by then is none
const silenceMs = 45_000; // then the line is tried anew, which tells the state
const pollMs = 1500;

function isFinal(capture) {
  return capture.status === "completed" || capture.status === "failed" || capture.status === "cancelled";
}

// People leave the scheme out.
function address(text) {
  const url = text.trim();
  return url === "" || /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `https://${url}`;
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

// A refusal that no other way of asking changes.
class Refusal extends Error {}

async function answerOf(response) {
  const document = await response.json().catch(() => ({}));
  if (response.ok) return document;
  const text = document.detail ?? document.error ?? `the server answered ${response.status}`;
  throw response.status >= 500 || response.status === 429 ? new Error(text) : new Refusal(text);
}

// A line as a promise: it ends when the signal does, and fails when it was silent
// for too long.  `open(alive, fail)` returns what closes it.
function line(signal, open) {
  return new Promise((resolve, reject) => {
    let timer = 0;
    let close = () => {};
    const end = (settle) => (value) => {
      clearTimeout(timer);
      close();
      settle(value);
    };
    const fail = end(reject);
    const wait = (ms) => {
      clearTimeout(timer);
      timer = setTimeout(() => fail(new Error("silence")), ms);
    };
    signal.addEventListener("abort", end(resolve), { once: true });
    wait(firstWordMs);
    close = open(() => wait(silenceMs), fail);
  });
}

// The ways to follow a capture, best first.  Each tells what it hears until the
// signal ends it, and fails when its line does.
const ways = {
  websocket: ({ live, job }, hear, signal) => line(signal, (alive, fail) => {
    const socket = new WebSocket(live);
    socket.onopen = () => socket.send(JSON.stringify({ subscribe: job }));
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      alive();
      if (message.data?.jobId === job) hear(message.data);
      if (message.event !== "error") return;
      fail(message.code === "UNAVAILABLE" ? new Error(message.detail) : new Refusal(message.detail));
    };
    socket.onclose = () => fail(new Error("closed"));
    return () => {
      socket.onclose = null;
      socket.close();
    };
  }),
  sse: ({ events }, hear, signal) => line(signal, (alive, fail) => {
    const source = new EventSource(events);
    const take = ({ data }) => { alive(); hear(JSON.parse(data)); };
    for (const name of ["queued", "submitted", "completed", "failed", "cancelled"]) source.addEventListener(name, take);
    source.onerror = () => fail(new Error("closed"));
    return () => source.close();
  }),
  polling: async ({ document }, hear, signal) => {
    while (!signal.aborted) {
      hear(await answerOf(await fetch(document, { signal })));
      await pause(pollMs, signal);
    }
  },
};

// Follows until the capture has ended.  A way that fails gives place to the next;
// once one has worked, or all have failed, the best is tried again.
async function follow(target, { names, hear, using, signal }) {
  const done = new AbortController();
  const both = AbortSignal.any([signal, done.signal]);
  for (let failures = 0; !both.aborted; failures++) {
    for (const name of names) {
      let heard = false;
      try {
        await ways[name](target, (capture) => {
          if (both.aborted) return;
          if (!heard) using(name);
          heard = true;
          failures = 0;
          hear(capture);
          if (isFinal(capture)) done.abort();
        }, both);
      } catch (error) {
        if (error instanceof Refusal && !both.aborted) throw error;
      }
      if (both.aborted) return;
      if (heard) break;
    }
    await pause(Math.min(10_000, 500 * 2 ** failures) * (0.5 + Math.random() / 2), both);
  }
}

const style = new CSSStyleSheet();
style.replaceSync(`
:host {
  --accent: var(--shotfleet-accent, light-dark(#0a6870, #5fcbd2));
  --accent-ink: var(--shotfleet-accent-ink, light-dark(#fff, #04262a));
  --ink: var(--shotfleet-ink, light-dark(#0e1c24, #e9f0f3));
  --soft: var(--shotfleet-soft, light-dark(#52616b, #9db0bb));
  --paper: var(--shotfleet-paper, light-dark(#fff, #121a20));
  --line: var(--shotfleet-line, light-dark(#84929b, #61727e));
  --bad: var(--shotfleet-bad, light-dark(#b3261e, #ff9d92));
  --radius: var(--shotfleet-radius, 12px);
  display: grid;
  gap: 0.75rem;
  color-scheme: light dark;
  color: var(--ink);
  font: var(--shotfleet-font, inherit);
}
:host([hidden]), [hidden] { display: none !important; }
*, ::before { box-sizing: border-box; }
form { display: flex; flex-wrap: wrap; gap: 0.5rem; margin: 0; }
label { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
input, button { min-height: 2.75rem; border-radius: var(--radius); font: inherit; color: inherit; }
input { flex: 1 1 14rem; min-width: 0; padding: 0.4rem 0.9rem; border: 1px solid var(--line); background: var(--paper); }
button { padding: 0.4rem 1.2rem; border: 1px solid var(--accent); background: var(--accent); color: var(--accent-ink); font-weight: 600; cursor: pointer; }
button[aria-disabled=true] { opacity: 0.65; cursor: progress; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.frame { display: grid; min-height: 11rem; margin: 0; overflow: hidden; border-radius: var(--radius); background: color-mix(in srgb, var(--paper), var(--soft) 12%); }
.frame > * { grid-area: 1 / 1; place-self: center; }
img { display: block; width: 100%; height: auto; place-self: start stretch !important; }
a { color: var(--accent); }
.wait { display: grid; justify-items: center; gap: 0.8rem; padding: 1.5rem; color: var(--soft); }
.spinner { width: 2.2rem; height: 2.2rem; border: 3px solid color-mix(in srgb, var(--soft), transparent 70%); border-top-color: var(--accent); border-radius: 50%; animation: turn 0.9s linear infinite; }
.status { margin: 0; color: var(--soft); font-size: 0.9em; }
.status:empty, .error:empty { display: none; }
.error { margin: 0; color: var(--bad); }
@keyframes turn { to { rotate: 1turn; } }
@media (prefers-reduced-motion: reduce) { .spinner { animation-duration: 4s; } }
`);

const markup = `
<form part="form" novalidate>
  <label for="url"><slot name="label">Address of the page</slot></label>
  <input part="input" id="url" type="url" inputmode="url" autocomplete="url" autocapitalize="off" spellcheck="false" placeholder="https://example.com" aria-describedby="error">
  <button part="button" type="submit"><slot name="button">Capture</slot></button>
</form>
<div class="frame" part="frame" hidden>
  <div class="wait" part="waiting"><slot name="waiting"><div class="spinner" part="spinner" aria-hidden="true"></div></slot></div>
</div>
<p class="status" part="status" role="status"></p>
<p class="error" part="error" id="error" role="alert"></p>`;

const texts = { submit: "", url: "", job: "", token: "", transports: "websocket sse polling" };

class ShotfleetCapture extends HTMLElement {
  static observedAttributes = ["url", "job", "token", "placeholder"];

  #root = this.attachShadow({ mode: "open", delegatesFocus: true });
  #running = null; // AbortController of what is under way
  #options = null;
  #scheduled = false;

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [style];
    this.#root.innerHTML = markup; // a constant
    this.#part("form").addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.state !== "submitting") this.capture(address(this.#part("input").value));
    });
  }

  #part(name) {
    return this.#root.querySelector(`[part=${name}]`);
  }

  // --- what the page says

  // Where the fleet is; by default where this file came from.
  get endpoint() {
    return (this.getAttribute("endpoint") ?? own).replace(/\/+$/, "");
  }

  set endpoint(value) {
    this.setAttribute("endpoint", value);
  }

  get options() {
    return this.#options ?? JSON.parse(this.getAttribute("options") || "{}");
  }

  set options(value) {
    this.#options = typeof value === "string" ? JSON.parse(value) : value;
  }

  // idle, submitting, waiting, ready, failed; an attribute, so that styles see it
  get state() {
    return this.getAttribute("state") ?? "idle";
  }

  #setState(state) {
    this.setAttribute("state", state);
    this.#part("frame").hidden = !["submitting", "waiting", "ready"].includes(state);
    this.#part("waiting").hidden = state === "ready";
    this.#part("button").setAttribute("aria-disabled", String(state === "submitting"));
  }

  connectedCallback() {
    this.#begin();
  }

  disconnectedCallback() {
    this.#running?.abort();
    this.#running = null;
  }

  attributeChangedCallback(name, _, value) {
    if (name === "url") this.#part("input").value = value ?? "";
    else if (name === "placeholder") this.#part("input").placeholder = value ?? "";
    else if (this.isConnected) this.#begin();
  }

  // Once for all attributes that change together.
  #begin() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (!this.isConnected) return;
      if (this.job) this.follow(this.job, this.token);
      else if (this.hasAttribute("auto") && this.url && this.state === "idle") this.capture(this.url);
    });
  }

  // --- what it does

  // Submits `url`; resolves with the final document, null when it was overtaken.
  async capture(url = this.url, options = this.options) {
    const signal = this.#restart("submitting");
    try {
      const response = await fetch(this.submit || `${this.endpoint}/v1/captures`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ ...options, url }),
        signal,
      });
      const receipt = await answerOf(response);
      this.#tell("submitted", receipt);
      return await this.#follow(receipt.jobId, receipt.watchToken, signal);
    } catch (error) {
      return this.#fail(error, signal);
    }
  }

  // Shows a capture that was submitted elsewhere, as your server may have done.
  async follow(job, token = "") {
    const signal = this.#restart("waiting");
    try {
      return await this.#follow(job, token, signal);
    } catch (error) {
      return this.#fail(error, signal);
    }
  }

  // Back to the form.
  reset() {
    this.#restart("idle");
  }

  #restart(state) {
    this.#running?.abort();
    this.#running = new AbortController();
    this.#root.querySelectorAll("[part=image], [part=link]").forEach((node) => node.remove());
    this.#part("error").replaceChildren();
    this.#part("input").removeAttribute("aria-invalid");
    this.#say(state === "submitting" ? "Asking" : "");
    this.removeAttribute("via");
    this.#setState(state);
    return this.#running.signal;
  }

  async #follow(job, token, signal) {
    const base = `${this.endpoint}/v1/captures/${job}`;
    const query = token ? `?token=${encodeURIComponent(token)}` : "";
    let last = null;
    this.#setState("waiting");
    await follow({
      job,
      document: base + query,
      events: `${base}/events${query}`,
      live: `${this.endpoint.replace(/^http/, "ws")}/v1/live${query}`,
    }, {
      names: this.transports.split(" ").filter((name) => ways[name]),
      using: (name) => this.setAttribute("via", name),
      hear: (capture) => {
        last = capture;
        this.#say(capture.progress ? `Being captured, ${capture.progress} %` : "Being captured");
        this.#tell("change", capture);
      },
      signal,
    });
    if (signal.aborted || !last) return null;
    if (last.status !== "completed") {
      throw new Refusal(last.error?.message ?? last.error?.code ?? `The capture was ${last.status}.`, { cause: last });
    }
    await this.#show(last, query, signal);
    return last;
  }

  async #show(capture, query, signal) {
    const source = this.endpoint + capture.image.url + query;
    if (capture.image.type === "application/pdf") {
      const link = Object.assign(document.createElement("a"), { href: source, textContent: "Open the PDF" });
      link.part = "link";
      this.#part("frame").append(link);
    } else {
      const image = Object.assign(new Image(capture.image.width, capture.image.height), { src: source, alt: `Screenshot of ${capture.url}` });
      image.part = "image";
      await image.decode().catch(() => { throw new Refusal("The picture could not be loaded."); });
      if (signal.aborted) return;
      this.#part("frame").append(image);
    }
    this.#say("The picture is ready");
    this.#setState("ready");
    this.#tell("ready", { ...capture, source });
  }

  #fail(error, signal) {
    if (signal.aborted) return null;
    this.#say("");
    this.#part("error").replaceChildren(error.message);
    if (this.state === "submitting") this.#part("input").setAttribute("aria-invalid", "true");
    this.#setState("failed");
    this.#tell("failed", error.cause ?? { error: { message: error.message } });
    return null;
  }

  #say(text) {
    const place = this.#part("status");
    if (place.textContent !== text) place.replaceChildren(text);
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(`shotfleet-${name}`, { detail, bubbles: true, composed: true }));
  }
}

for (const [name, fallback] of Object.entries(texts)) {
  Object.defineProperty(ShotfleetCapture.prototype, name, {
    get() { return this.getAttribute(name) ?? fallback; },
    set(value) {
      if (value === null || value === undefined) this.removeAttribute(name);
      else this.setAttribute(name, value);
    },
  });
}

customElements.define("shotfleet-capture", ShotfleetCapture);
