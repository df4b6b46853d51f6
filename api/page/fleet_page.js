// The fleet's health: what waits, how old it is, who works, how the providers do.

import { get } from "./api.js";
import { element, icon } from "./element.js";
import { onFleet, watchedMs } from "./fleet.js";
import { failed, heading, loading, openPart, repeat } from "./part.js";
import { createPlot } from "./plot.js";
import { count, seconds } from "./words.js";

function age(s) {
  return s === null ? "–" : seconds(s * 1000);
}

function stream(fleet, name) {
  return fleet.streams.find((one) => one.name === name) ?? { length: 0, oldestSeconds: null };
}

const plots = [
  ["Captures a minute", ({ endedAMinute }) => Math.round(endedAMinute)],
  ["Waiting", ({ fleet }) => fleet.queued],
  ["Under way", ({ fleet }) => fleet.submitted],
  ["Oldest unfinished", ({ fleet }) => fleet.oldestUnfinishedSeconds ?? 0, age],
  ["Dead letters", ({ fleet }) => fleet.deadLetters],
  ["Stream “submit”", ({ fleet }) => stream(fleet, "submit").length],
  ["Stream “webhook”", ({ fleet }) => stream(fleet, "webhook").length],
  ["Stream “callback”", ({ fleet }) => stream(fleet, "callback").length],
];

// What a person should look at, worst first; nothing when all is well.
function worries(fleet) {
  return [
    !fleet.postgresql.up && "PostgreSQL is away: nothing is recorded until it is back.",
    ...fleet.redis.filter(({ up }) => !up).map(({ server }) => `Redis ${server} is away: what it holds waits.`),
    fleet.workers.alive === 0 && "No worker is alive: captures wait until one is started.",
    fleet.deadLetters > 0 && [`${count(fleet.deadLetters, "dead letter")} to look at: `, element("a", { href: "#/dead-letters" }, "what could not be applied")],
  ].filter(Boolean);
}

function verdict(fleet) {
  const found = worries(fleet);
  if (found.length === 0) return element("p", { class: "verdict good" }, icon("check"), "All is well.");
  return element("ul", { class: "verdict" }, found.map((text) => element("li", {}, icon("alert"), element("span", {}, text))));
}

function tile(name, value, bad = false) {
  return element("div", { "data-bad": bad }, element("dt", {}, name), element("dd", {}, value));
}

function tiles(fleet) {
  return element("dl", { class: "tiles" },
    tile("completed this hour", fleet.completedLastHour.toLocaleString("en")),
    tile("failed this hour", fleet.failedLastHour.toLocaleString("en"), fleet.failedLastHour > 0),
    tile("workers alive", String(fleet.workers.alive), fleet.workers.alive === 0),
    tile("oldest unfinished", age(fleet.oldestUnfinishedSeconds)));
}

function table(caption, columns, rows) {
  return element("div", { class: "table", tabindex: "0", role: "region", "aria-label": caption },
    element("table", {},
      element("thead", {}, element("tr", {}, columns.map((name) => element("th", { scope: "col" }, name)))),
      element("tbody", {}, rows.map(([first, ...rest]) => element("tr", {},
        element("th", { scope: "row" }, first), rest.map((value) => element("td", {}, value)))))));
}

function servers(fleet) {
  const state = (up) => element("span", { class: "chip", "data-status": up ? "completed" : "failed" }, up ? "up" : "away");
  return table("Stores", ["Store", "State"], [
    ["PostgreSQL", state(fleet.postgresql.up)],
    ...fleet.redis.map(({ server, up }) => [`Redis ${server}`, state(up)]),
  ]);
}

function streams(fleet) {
  return table("Streams", ["Stream", "In flight", "Oldest"],
    fleet.streams.map(({ name, length, oldestSeconds }) => [name, length.toLocaleString("en"), age(oldestSeconds)]));
}

// Not while the keyboard is in there: it would lose its place.
function renew(place, ...children) {
  if (!place.contains(document.activeElement)) place.replaceChildren(...children);
}

function ms(value) {
  return value === null ? "–" : seconds(value);
}

function twice(p50, p99) {
  return p50 === null ? "–" : `${ms(p50)} / ${ms(p99)}`;
}

function whole(value) {
  return value === null ? "–" : value.toLocaleString("en");
}

// How a provider did, day by day.
function score({ provider, known, failing, error, pausedUntil, days }) {
  const down = failing || pausedUntil !== null;
  return element("section", { class: "score" },
    element("h3", {}, provider, " ", known
      ? element("span", { class: "chip", "data-status": down ? "failed" : "completed" }, down ? "in trouble" : "fine")
      : element("span", { class: "chip", "data-status": "cancelled" }, "no profile any more")),
    error ? element("p", { class: "reason" }, error) : null,
    table(`Scorecard of ${provider}`,
        ["Day", "Captures", "Success", "Picture, median / 99 %", "Webhook’s delay", "Late", "Twice", "Never came"],
        days.map((day) => [day.day, whole(day.captures),
          day.successPercent === null ? "–" : `${day.successPercent} %`,
          twice(day.pictureP50Ms, day.pictureP99Ms), twice(day.delayP50Ms, day.delayP99Ms),
          whole(day.late), whole(day.duplicates), whole(day.neverCame)])));
}

// Those that nobody uses are only named, unless something is wrong with them.
function scoresOf(providers) {
  const idle = providers.filter(({ days, failing }) => days.length === 0 && !failing);
  return [
    element("h2", {}, "Providers"),
    ...providers.filter((provider) => !idle.includes(provider)).map(score),
    idle.length === 0 ? "" : element("p", { class: "soft idle" }, `Not used in the last seven days: ${idle.map(({ provider }) => provider).join(", ")}.`),
  ];
}

export function openFleet() {
  const title = heading("Fleet");
  const words = element("div", {}, loading());
  const drawings = plots.map(([name, value, format]) => ({ value, ...createPlot(name, format) }));
  const plotted = element("div", { class: "plots", hidden: true }, drawings.map(({ node }) => node));
  const tables = element("div", { class: "pair" });
  const scores = element("section", {});
  const leave = openPart(element("div", { class: "part" },
    element("header", { class: "part-head" }, title,
      element("p", { class: "soft" }, `Asked every ${watchedMs / 1000} seconds; the plots go back as far as this tab.`)),
    words, plotted, tables, scores));
  let seen = "";

  const endFleet = onFleet((samples) => {
    const { fleet } = samples.at(-1);
    plotted.hidden = false;
    renew(words, verdict(fleet), tiles(fleet));
    for (const { value, update } of drawings) update(samples.map((sample) => ({ at: sample.at, value: value(sample) })));
    renew(tables,
      element("section", {}, element("h2", {}, "Streams"), streams(fleet)),
      element("section", {}, element("h2", {}, "Stores"), servers(fleet)));
  });
  const timer = repeat(() => 30_000, async (signal) => {
    try {
      const { providers } = await get("/v1/providers", signal);
      const looks = JSON.stringify(providers);
      if (looks !== seen) renew(scores, ...scoresOf(providers));
      seen = looks;
    } catch (problem) {
      if (!signal.aborted) scores.replaceChildren(element("h2", {}, "Providers"), failed(problem, () => timer.now()));
    }
  });
  return {
    title: "Fleet",
    heading: title,
    leave() {
      endFleet();
      timer.end();
      leave();
    },
  };
}
