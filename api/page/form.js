// The form: what the user wants, as api takes it; and what api did not like.

const form = document.getElementById("form");
const fields = form.elements;

// People leave the scheme out.
function address(text) {
  const url = text.trim();
  if (url === "" || /^[a-z][a-z0-9+.-]*:\/\//i.test(url)) return url;
  if (/^(about|blob|data|file|javascript|mailto|view-source):/i.test(url)) return url;
  return (/^(localhost|\[|\d+\.\d+\.\d+\.\d+)/i.test(url) ? "http://" : "https://") + url;
}

function number(name) {
  return fields[name].value === "" ? null : Number(fields[name].value);
}

export function readForm() {
  const body = { url: address(fields.url.value), format: fields.format.value };
  if (fields.device.value) body.device = fields.device.value;
  else Object.assign(body, { width: number("width"), height: number("height") });
  if (fields.fullPage.checked) body.fullPage = true;
  if (body.format !== "png") body.quality = number("quality");
  if (number("delay")) body.delay = number("delay");
  if (number("timeout") !== 30000) body.timeout = number("timeout");
  return body;
}

export function fillForm(url) {
  fields.url.value = url;
}

function arrange() {
  const own = fields.device.value === "";
  const lossy = fields.format.value !== "png";
  for (const node of form.querySelectorAll("[data-for=own-size]")) node.hidden = !own;
  for (const node of form.querySelectorAll("[data-for=quality]")) node.hidden = !lossy;
  const size = own ? `${fields.width.value} × ${fields.height.value}` : fields.device.value;
  const words = [size, fields.format.value];
  if (fields.fullPage.checked) words.push("full page");
  if (Number(fields.delay.value)) words.push(`after ${fields.delay.value} ms`);
  document.getElementById("options-summary").replaceChildren(words.join(", "));
}

function place(name) {
  return document.getElementById(`${name}-error`);
}

export function clearErrors() {
  for (const node of form.querySelectorAll(".error")) node.replaceChildren();
  for (const node of form.querySelectorAll("[aria-invalid]")) node.removeAttribute("aria-invalid");
}

// Each complaint goes to its field, the rest below the form.
export function showProblem(problem) {
  let first = null;
  for (const { field, reason } of problem.errors ?? []) {
    const input = fields[field];
    if (!input || !place(field)) continue;
    place(field).replaceChildren(`${field === "url" ? "The address" : "This"} ${reason}`);
    input.setAttribute("aria-invalid", "true");
    if (field !== "url") document.getElementById("options").open = true;
    first ??= input;
  }
  if (first) first.focus();
  else place("form").replaceChildren(problem.message);
}

export function busy(state) {
  const button = form.querySelector("button[type=submit]");
  button.disabled = state;
  button.replaceChildren(state ? "Asking…" : "Capture");
}

export function onSubmit(handler) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    handler();
  });
  form.addEventListener("input", arrange);
  arrange();
}

export function askForKeyInDialog(wrong) {
  const dialog = document.getElementById("key-dialog");
  const input = document.getElementById("key");
  const error = document.getElementById("key-error");
  error.replaceChildren(wrong ? "This key is not accepted." : "");
  input.value = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const take = () => resolve(input.value.trim());
    dialog.oncancel = (event) => event.preventDefault(); // nothing works without
    document.getElementById("key-form").onsubmit = take;
  });
}

