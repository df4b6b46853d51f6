// The form: what the user wants, as api takes it; and what api did not like.

import { count } from "./words.js";

const form = document.getElementById("form");
const fields = form.elements;
const byId = (id) => document.getElementById(id);

export class Mistake extends Error {
  constructor(field, reason) {
    super(reason);
    this.errors = [{ field, reason }];
  }
}

// People leave the scheme out.
function address(text) {
  const url = text.trim();
  if (url === "" || /^[a-z][a-z0-9+.-]*:\/\//i.test(url)) return url;
  if (/^(about|blob|data|file|javascript|mailto|view-source):/i.test(url)) return url;
  return (/^(localhost|\[|\d+\.\d+\.\d+\.\d+)/i.test(url) ? "http://" : "https://") + url;
}

function isMany() {
  return fields.many.value === "many";
}

function addresses() {
  return fields.urls.value.split("\n").map(address).filter((url) => url !== "");
}

function advanced() {
  const text = fields.advanced.value.trim();
  if (text === "") return {};
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Mistake("advanced", `is not JSON: ${error.message}`);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new Mistake("advanced", "must be an object, such as {\"timezone\": \"UTC\"}");
  }
  return value;
}

function number(name) {
  return fields[name].value === "" ? null : Number(fields[name].value);
}

function options() {
  const body = { format: fields.format.value };
  if (fields.device.value) body.device = fields.device.value;
  else Object.assign(body, { width: number("width"), height: number("height") });
  for (const name of ["fullPage", "darkMode", "waitForNetworkIdle", "blockAds", "omitBackground"]) {
    if (fields[name].checked) body[name] = true;
  }
  if (fields.scroll.checked) body.scroll = { enabled: true };
  for (const name of ["selector", "waitForSelector"]) {
    if (fields[name].value.trim()) body[name] = fields[name].value.trim();
  }
  const hidden = fields.hideSelectors.value.split(",").map((text) => text.trim()).filter(Boolean);
  if (hidden.length > 0) body.hideSelectors = hidden;
  if (isLossy()) body.quality = number("quality");
  if (number("deviceScaleFactor")) body.deviceScaleFactor = number("deviceScaleFactor");
  if (number("delay")) body.delay = number("delay");
  if (number("timeout") !== 30000) body.timeout = number("timeout");
  return { ...body, ...advanced() };
}

function isLossy() {
  return fields.format.value === "jpeg" || fields.format.value === "webp";
}

// One capture's body, or { captures: [...] }.
function readForm() {
  const rest = options();
  if (!isMany()) return { url: address(fields.url.value), ...rest };
  const urls = addresses();
  if (urls.length === 0) throw new Mistake("urls", "are missing: write one address in a line");
  return { captures: urls.map((url) => ({ url, ...rest })) };
}

function arrange() {
  const own = fields.device.value === "";
  for (const node of form.querySelectorAll("[data-for=own-size]")) node.hidden = !own;
  for (const node of form.querySelectorAll("[data-for=quality]")) node.hidden = !isLossy();
  byId("one").hidden = isMany();
  byId("several").hidden = !isMany();
  form.classList.toggle("many", isMany());
  const urls = isMany() ? addresses().length : 0;
  form.querySelector("[type=submit]").replaceChildren(urls > 0 ? `Capture ${count(urls, "page")}` : "Capture");
}

function expand(open) {
  byId("options").hidden = !open;
  byId("more-options").setAttribute("aria-expanded", String(open));
  byId("more-options").replaceChildren(open ? "Fewer options" : "More options");
}

function clearErrors() {
  for (const node of form.querySelectorAll(".error")) node.replaceChildren();
  for (const node of form.querySelectorAll("[aria-invalid]")) node.removeAttribute("aria-invalid");
}

const subjects = { url: "The address", urls: "The addresses", advanced: "This" };

// Each complaint goes to its field, the rest below the form.  "captures.3.url"
// is the fourth address.
function showProblem(problem) {
  let first = null;
  const rest = [];
  for (const { field, reason } of problem.errors ?? []) {
    const [, item, name] = /^captures\.(\d+)\.?(.*)$/.exec(field) ?? [null, null, field];
    const input = fields[isMany() && name === "url" ? "urls" : name] ?? (item === null ? null : fields.urls);
    const place = input && byId(`${input.name}-error`);
    if (!place || place.childNodes.length > 0) {
      rest.push(`${field} ${reason}`);
      continue;
    }
    const subject = input === fields.urls && item !== null ? `Address ${Number(item) + 1}` : subjects[input.name] ?? "This";
    place.replaceChildren(`${subject} ${reason}`);
    input.setAttribute("aria-invalid", "true");
    if (byId("options").contains(input)) expand(true);
    first ??= input;
  }
  if (first) first.focus();
  if (!first || rest.length > 0) byId("form-error").replaceChildren(rest.join("; ") || problem.message);
}

function busy(state) {
  const button = form.querySelector("[type=submit]");
  button.setAttribute("aria-disabled", String(state)); // disabled would lose the focus
  if (state) button.replaceChildren("Asking…");
  else arrange();
}

// A list that is pasted is a batch.
function pasted(event) {
  const text = event.clipboardData.getData("text");
  if (!/\S\s*\n\s*\S/.test(text)) return;
  event.preventDefault();
  fields.many.value = "many";
  fields.urls.value = text.trim();
  arrange();
  fields.urls.focus();
}

// `submit(body)` resolves when api took it, and throws what it did not like.
export function startComposer(submit) {
  const go = async () => {
    if (form.querySelector("[type=submit]").ariaDisabled === "true") return;
    clearErrors();
    busy(true);
    try {
      await submit(readForm());
    } catch (problem) {
      showProblem(problem);
    } finally {
      busy(false);
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go();
  });
  form.addEventListener("input", arrange);
  form.addEventListener("change", arrange);
  fields.url.addEventListener("paste", pasted);
  fields.urls.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) go();
  });
  byId("more-options").addEventListener("click", () => expand(byId("options").hidden));
  for (const input of form.querySelectorAll("[name=device]")) {
    input.addEventListener("change", () => { if (input.value === "") expand(true); });
  }
  arrange();
  return {
    submit(url) {
      fields.many.value = "";
      fields.url.value = url;
      arrange();
      return go();
    },
  };
}
