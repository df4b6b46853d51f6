// What is said aloud: only what the person in front asked for, never the traffic
// of the fleet.

const place = document.getElementById("announce");
let said = "";

export function announce(text) {
  if (text === said) return;
  said = text;
  place.replaceChildren(text);
}
