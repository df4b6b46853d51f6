// Words and numbers for people.

export function bytes(count) {
  if (count < 1000) return `${count} bytes`;
  if (count < 1e6) return `${Math.round(count / 1e3)} kB`;
  return `${(count / 1e6).toFixed(1)} MB`;
}

export function seconds(ms) {
  if (ms < 10_000) return `${(Math.max(ms, 0) / 1000).toFixed(1)} s`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}

export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export function ago(time) {
  const s = (Date.parse(time) - Date.now()) / 1000;
  const size = Math.abs(s);
  if (size < 5) return "just now";
  if (size < 60) return relative.format(Math.round(s), "second");
  if (size < 3600) return relative.format(Math.round(s / 60), "minute");
  if (size < 86400) return relative.format(Math.round(s / 3600), "hour");
  return relative.format(Math.round(s / 86400), "day");
}

export function clock(time) {
  return new Date(time).toLocaleString("en", { dateStyle: "medium", timeStyle: "medium" });
}

// "example.com/path", for a headline.
export function shortUrl(url) {
  return url.replace(/^https?:\/\//i, "").replace(/\/$/, "");
}

export function isFinal(status) {
  return status === "completed" || status === "failed" || status === "cancelled";
}

export const statusWords = {
  queued: "waiting",
  submitted: "under way",
  completed: "completed",
  failed: "failed",
  cancelled: "cancelled",
};

const advice = {
  TIMEOUT: "The page took too long. Give it more time in the options, or try again later.",
  NETWORK_ERROR: "The page could not be reached. Check the address, and whether the host resolves.",
  HTTP_ERROR: "The page answered with an error of its own. Open it in a browser to see it.",
  INVALID_URL: "Check the address: it must begin with http:// or https://.",
  INVALID_REQUEST: "The provider does not take these options. Look at what it says, and change them.",
  ADDRESS_BLOCKED: "The fleet may not reach this address. An operator can allow it with SHOTFLEET_FETCH_ALLOW.",
  SELECTOR_NOT_FOUND: "The page has no such element. Check the selector.",
  CAPTURE_ERROR: "The browser gave up on this page. Trying again often helps.",
  RATE_LIMITED: "The provider is busy. Try again in a little while.",
  DEADLINE: "No answer came before the deadline. Look whether the provider and ingest are up.",
  UNAUTHORIZED: "The provider does not accept the fleet's key. Check SHOTFLEET_PROVIDER_KEY.",
};

export function whatToDo(code) {
  return advice[code] ?? "Try again; if it happens again, the fleet's log says more.";
}
