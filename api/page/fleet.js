// How the fleet is: asked every few seconds for the whole page, and remembered for
// the plots.

import { get } from "./api.js";
import { onCapture } from "./news.js";
import { repeat } from "./part.js";

export const periodMs = 2500;
const samplesMax = 240; // ten minutes
const samples = []; // { at, fleet, ended }, oldest first
const listeners = new Set();
let ended = 0; // captures that ended since the last sample, as the news tell

export function onFleet(listener) {
  listeners.add(listener);
  if (samples.length > 0) listener(samples);
  return () => listeners.delete(listener);
}

function showCount(open) {
  const badge = document.getElementById("dead-count");
  badge.hidden = open === 0;
  badge.replaceChildren(open > 99 ? "99+" : String(open));
}

export function startFleet() {
  onCapture((capture) => {
    if (capture.status === "completed" || capture.status === "failed") ended++;
  });
  return repeat(periodMs, async (signal) => {
    const fleet = await get("/v1/fleet", signal).catch(() => null);
    if (!fleet) return;
    samples.push({ at: Date.now(), fleet, ended });
    ended = 0;
    if (samples.length > samplesMax) samples.shift();
    showCount(fleet.deadLetters);
    for (const listener of listeners) listener(samples);
  });
}
