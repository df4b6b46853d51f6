// Which part of the page is shown: the fragment says it, so that every part has
// an address, and the browser's history works.

const routes = []; // { pattern, open }
let leave = () => {};
let before = null; // the path before

// `open(match, parameters)` shows the part and returns { title, heading, leave },
// and `filter`, what to go on from when only the parameters have changed.
export function route(pattern, open) {
  routes.push({ pattern, open });
}

export function where() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { path: path.replace(/\/$/, ""), parameters: new URLSearchParams(query) };
}

function show() {
  const { path, parameters } = where();
  for (const { pattern, open } of routes) {
    const match = pattern.exec(path);
    if (!match) continue;
    leave();
    const view = open(match, parameters);
    leave = view.leave ?? (() => {});
    document.title = view.title === "" ? "Shotfleet" : `${view.title} · Shotfleet`;
    for (const link of document.querySelectorAll("#nav a")) {
      const part = path.split("/")[0] || "captures";
      const here = (link.getAttribute("href").slice(2) || "captures") === part;
      if (here) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    // who opens the page begins at its top; who moves inside it, at the headline
    if (before === path) (view.filter ?? view.heading).focus();
    else if (before !== null) {
      scrollTo(0, 0);
      view.heading.focus({ preventScroll: true });
    }
    before = path;
    return;
  }
  location.replace("#/");
}

export function startRouter() {
  addEventListener("hashchange", show);
  show();
}
