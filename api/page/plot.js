// A small plot of numbers over time: a picture for eyes, a sentence for ears, and
// the numbers as a table for whoever wants them.

import { element, heard, svg } from "./element.js";

const width = 300;
const height = 64;
const rows = 12; // of the table, evenly chosen

function paths(points, top) {
  const values = points.map((point) => point.value);
  const [first, last] = [points[0].at, points.at(-1).at];
  const x = (i) => (last === first ? width : ((points[i].at - first) / (last - first)) * width);
  const y = (value) => height - 3 - (value / top) * (height - 8);
  const line = values.map((value, i) => `${i === 0 ? "M" : "L"}${x(i).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  return { line, area: `${line}L${x(values.length - 1)} ${height}L${x(0)} ${height}Z` };
}

function chosen(points) {
  const stride = Math.max(1, Math.ceil(points.length / rows));
  return points.filter((_, i) => (points.length - 1 - i) % stride === 0).reverse();
}

function table(name, points, format) {
  return element("table", {},
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Time"), element("th", { scope: "col" }, name))),
    element("tbody", {}, chosen(points).map(({ at, value }) => element("tr", {},
      element("td", {}, new Date(at).toLocaleTimeString("en")), element("td", {}, format(value))))));
}

// Returns { node, update }; points are [{ at, value }], oldest first, at least one.
export function createPlot(name, format = (value) => value.toLocaleString("en")) {
  const now = element("b", {});
  const most = element("span", { class: "soft" });
  const area = svg("path", { class: "area" });
  const line = svg("path", { class: "stroke" });
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img" }, area, line);
  const numbers = element("div", {});
  const details = element("details", { ontoggle: () => fillTable() }, element("summary", {}, "Numbers", heard(` of ${name}`)), numbers);
  const node = element("figure", { class: "plot" },
    element("figcaption", {}, element("span", {}, name), now), drawing,
    element("div", { class: "plot-foot" }, details, most));
  let last = [];

  function fillTable() {
    if (details.open) numbers.replaceChildren(table(name, last, format));
  }

  return {
    node,
    update(points) {
      const values = points.map((point) => point.value);
      const top = Math.max(1, ...values);
      const drawn = paths(points, top);
      last = points;
      area.setAttribute("d", drawn.area);
      line.setAttribute("d", drawn.line);
      now.replaceChildren(format(values.at(-1)));
      most.replaceChildren(`most ${format(Math.max(...values))}`);
      drawing.setAttribute("aria-label",
        `${name}: now ${format(values.at(-1))}, least ${format(Math.min(...values))}, most ${format(Math.max(...values))}`);
      fillTable();
    },
  };
}
