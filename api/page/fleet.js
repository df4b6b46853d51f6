// How the fleet is: asked for the whole page, often while somebody watches, and
// remembered for the plots.

import { get } from "./api.js";
import { onCapture } from "./news.js";
import { repeat } from "./part.js";

export const watchedMs = 2500;
const otherwiseMs = 15_000; // for the count of dead letters alone
const samplesMax = 240; // ten minutes of watching
const samples = []; // { at, fleet, endedAMinute }, oldest first
const listeners = new Set();
let timer = null;
let ended = 0; // captures that ended since the last sample, as the news tell

export function onFleet(listener) {
  listeners.add(listener);
  if (samples.length > 0) listener(samples);
  timer?.now();
  return () => listeners.delete(listener);
}

function showCount(open) {
  const badge = document.getElementById("dead-count");
  badge.hidden = open === 0;
  badge.replaceChildren(open > 99 ? "99+" : String(open));
}

function remember(fleet) {
  const at = Date.now();
  const minutes = samples.length === 0 ? Infinity : (at - samples.at(-1).at) / 60_000;
  samples.push({ at, fleet, endedAMinute: ended / minutes });
  ended = 0;
  if (samples.length > samplesMax) samples.shift();
}

export function startFleet() {
  onCapture((capture) => {
    if (capture.status === "completed" || capture.status === "failed") ended++;
  });
  timer = repeat(() => (listeners.size > 0 ? watchedMs : otherwiseMs), async (signal) => {
    const fleet = await get("/v1/fleet", signal).catch(() => null);
    if (!fleet) return;
    remember(fleet);
    showCount(fleet.deadLetters);
    for (const listener of listeners) listener(samples);
  });
}
