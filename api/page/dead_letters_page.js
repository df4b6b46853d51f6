// What could not be applied, and waits for another try or for a person.

import { announce } from "./announce.js";
import { change, get } from "./api.js";
import { button, element, icon } from "./element.js";
import { failed, heading, loading, openPart, repeat } from "./part.js";
import { ago, bytes, clock, count } from "./words.js";

const pageSize = 50;

function next(letter) {
  if (letter.nextAttemptAt === null) return element("span", { class: "chip", "data-status": "failed" }, "waits for a person");
  return element("span", { class: "chip" }, Date.parse(letter.nextAttemptAt) <= Date.now() ? "about to be tried" : `tried again ${ago(letter.nextAttemptAt)}`);
}

// A text as it stands, or what can be read of bytes.
function payload(whole) {
  if (whole.encoding !== "base64") return whole.payload;
  return atob(whole.payload).replace(/[^\x20-\x7e\n]/g, "·");
}

function content(letter) {
  const place = element("div", {});
  const details = element("details", {
    ontoggle: async () => {
      if (!details.open || place.childNodes.length > 0) return;
      try {
        const whole = await get(`/v1/dead-letters/${letter.id}`);
        place.replaceChildren(
          whole.head ? element("pre", { tabindex: "0" }, whole.head) : "",
          element("pre", { tabindex: "0", "aria-label": "Payload" }, payload(whole) || "(empty)"),
          whole.truncated ? element("p", { class: "soft" }, "The rest is in the table dead_letters.") : "");
      } catch (problem) {
        place.replaceChildren(element("p", { class: "error" }, problem.message));
      }
    },
  }, element("summary", {}, `Payload, ${bytes(letter.size)}${letter.type ? `, ${letter.type}` : ""}`), place);
  return details;
}

// Giving up is for good: the button asks once more in its own place.
function dropButton(drop) {
  const own = button([icon("close"), "Drop"], () => {
    if (own.dataset.sure) return drop();
    own.dataset.sure = "yes";
    own.replaceChildren("Really drop?");
    own.addEventListener("blur", () => {
      delete own.dataset.sure;
      own.replaceChildren(icon("close"), "Drop");
    }, { once: true });
  });
  return own;
}

function item(letter, act) {
  const error = element("p", { class: "error", role: "alert" });
  const run = (method, path, done) => act(letter, method, path, done).catch((problem) => error.replaceChildren(problem.message));
  const name = [letter.provider, letter.source ?? letter.stream].filter(Boolean).join(", ");
  return element("li", { class: "letter", "data-id": letter.id },
    element("div", { class: "letter-head" },
      element("h2", {}, letter.error),
      element("p", { class: "soft" }, next(letter), " ",
        `${name}, ${count(letter.attempts, "try", "tries")}, received `,
        element("time", { datetime: letter.receivedAt, title: clock(letter.receivedAt) }, ago(letter.receivedAt)))),
    element("p", { class: "actions" },
      button([icon("again"), "Retry"], () => run("POST", `/v1/dead-letters/${letter.id}/retry`, "It is tried again"), { class: "main" }),
      dropButton(() => run("DELETE", `/v1/dead-letters/${letter.id}`, "It is dropped")),
      letter.jobId ? element("a", { class: "button", href: `#/captures/${letter.jobId}` }, icon("details"), "Its capture") : null),
    error, content(letter));
}

function nothing() {
  return element("div", { class: "empty" },
    icon("check"), element("h3", {}, "No dead letters"),
    element("p", {}, "Everything that came could be applied."));
}

export function openDeadLetters() {
  const title = heading("Dead letters");
  const place = element("div", {}, loading());
  const leave = openPart(element("div", { class: "part" },
    element("header", { class: "part-head" }, title,
      element("p", { class: "soft" }, "Webhooks and answers that could not be applied. They are kept whole; nothing is lost.")),
    place));
  let shown = pageSize;
  let seen = "";

  async function act(letter, method, path, done) {
    await change(method, path);
    announce(done);
    timer.now();
    title.focus({ preventScroll: true });
  }

  async function load(signal) {
    try {
      const letters = [];
      let cursor = null;
      do {
        const page = await get(`/v1/dead-letters?limit=${pageSize}${cursor ? `&cursor=${cursor}` : ""}`, signal);
        letters.push(...page.deadLetters);
        cursor = page.nextCursor;
      } while (cursor && letters.length < shown);
      const looks = JSON.stringify([letters, cursor]);
      if (looks === seen) return; // what is open stays open
      seen = looks;
      place.replaceChildren(
        letters.length === 0 ? nothing() : element("ul", { class: "letters" }, letters.map((letter) => item(letter, act))),
        cursor ? element("p", { class: "more" }, button("Show older ones", () => { shown += pageSize; timer.now(); }, { class: "quiet" })) : "");
    } catch (problem) {
      if (signal.aborted) return;
      seen = "";
      place.replaceChildren(failed(problem, () => timer.now()));
    }
  }

  const timer = repeat(() => 3000, load);
  return {
    title: "Dead letters",
    heading: title,
    leave() {
      timer.end();
      leave();
    },
  };
}
