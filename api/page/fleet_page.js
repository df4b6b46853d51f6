// The fleet's health: what waits, how old it is, who works, how the providers do.

import { get } from "./api.js";
import { element, icon } from "./element.js";
import { onFleet, periodMs } from "./fleet.js";
import { failed, heading, loading, openPart, repeat } from "./part.js";
import { createPlot } from "./plot.js";
import { count, seconds } from "./words.js";

function age(s) {
  return s === null ? "–" : seconds(s * 1000);
}

function stream(fleet, name) {
  return fleet.streams.find((one) => one.name === name) ?? { length: 0, oldestSeconds: null };
}

const perMinute = 60_000 / periodMs;

const plots = [
  ["Captures that ended, a minute", (sample) => sample.ended * perMinute],
  ["Waiting", ({ fleet }) => fleet.queued],
  ["Under way", ({ fleet }) => fleet.submitted],
  ["Oldest unfinished", ({ fleet }) => fleet.oldestUnfinishedSeconds ?? 0, age],
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

function cell(tag, value, attributes = {}) {
  return element(tag, attributes, value);
}

function table(caption, columns, rows) {
  return element("div", { class: "table", tabindex: "0", role: "region", "aria-label": caption },
    element("table", {},
      element("thead", {}, element("tr", {}, columns.map((name) => cell("th", name, { scope: "col" })))),
      element("tbody", {}, rows.map(([first, ...rest]) => element("tr", {},
        cell("th", first, { scope: "row" }), rest.map((value) => cell("td", value)))))));
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

export function openFleet() {
  const title = heading("Fleet");
  const words = element("div", {}, loading());
  const drawings = plots.map(([name, value, format]) => ({ value, ...createPlot(name, format) }));
  const plotted = element("div", { class: "plots", hidden: true }, drawings.map(({ node }) => node));
  const tables = element("div", { class: "pair" });
  const scores = element("div", {});
  const leave = openPart(element("div", { class: "part" },
    element("header", { class: "part-head" }, title, element("p", { class: "soft" }, `Asked every ${periodMs / 1000} seconds; the plots go back as far as this tab.`)),
    words,
    plotted,
    tables, scores));

  const endFleet = onFleet((samples) => {
    const { fleet } = samples.at(-1);
    plotted.hidden = false;
    words.replaceChildren(verdict(fleet), tiles(fleet));
    for (const { value, update } of drawings) update(samples.map((sample) => ({ at: sample.at, value: value(sample) })));
    tables.replaceChildren(
      element("section", {}, element("h2", {}, "Streams"), streams(fleet)),
      element("section", {}, element("h2", {}, "Stores"), servers(fleet)));
  });
  return {
    title: "Fleet",
    heading: title,
    leave() {
      endFleet();
      leave();
    },
  };
}
