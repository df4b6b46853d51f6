// The key of the fleet, where it asks for one.

import { key, onKeyNeeded, setKey } from "./api.js";

const dialog = document.getElementById("key-dialog");
const input = document.getElementById("key");

function ask(wrong) {
  document.getElementById("key-error").replaceChildren(wrong ? "This key is not accepted." : "");
  input.value = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.oncancel = (event) => event.preventDefault(); // nothing works without
    document.getElementById("key-form").onsubmit = () => resolve(input.value.trim());
  });
}

export function startKey() {
  const change = document.getElementById("key-button");
  onKeyNeeded(async (wrong) => {
    setKey(await ask(wrong));
    change.hidden = false;
  });
  change.hidden = !key();
  change.addEventListener("click", () => {
    setKey("");
    location.reload();
  });
}
