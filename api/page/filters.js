// Which captures a gallery shows: their state and a part of their address.

import { element, icon } from "./element.js";

const states = [
  ["", "All"], ["queued", "Waiting"], ["submitted", "Under way"],
  ["completed", "Completed"], ["failed", "Failed"],
];

export function filterOf(parameters) {
  const filter = {};
  for (const name of ["status", "url"]) {
    if (parameters.get(name)) filter[name] = parameters.get(name);
  }
  return filter;
}

export function fits(filter, capture) {
  return (!filter.status || capture.status === filter.status)
    && (!filter.url || capture.url.toLowerCase().includes(filter.url.toLowerCase()));
}

function link(base, filter) {
  const query = new URLSearchParams(filter).toString();
  return query === "" ? base : `${base}?${query}`;
}

// `base`: the fragment of the part without its query.
export function filters(base, filter) {
  const search = element("input", {
    type: "search", name: "part", "aria-label": "Part of the address", placeholder: "Part of the address",
    value: filter.url, autocapitalize: "off", spellcheck: "false", maxlength: 255,
  });
  return element("div", { class: "filters" },
    element("ul", { class: "segments", "aria-label": "State" }, states.map(([status, text]) => element("li", {},
      element("a", {
        href: link(base, { ...(status && { status }), ...(filter.url && { url: filter.url }) }),
        "aria-current": (filter.status ?? "") === status ? "true" : null,
      }, text)))),
    element("form", {
      class: "search",
      role: "search",
      onsubmit: (event) => {
        event.preventDefault();
        const url = search.value.trim();
        location.hash = link(base, { ...(filter.status && { status: filter.status }), ...(url && { url }) });
      },
    }, search, element("button", { type: "submit", "aria-label": "Search" }, icon("search"))));
}
