// Captures as pictures, newest first: filled from lists, kept up to date by news,
// walked with the arrow keys.

import { get } from "./api.js";
import { button, element, heard } from "./element.js";
import { frameKey, thumbnail } from "./frame.js";
import { openLightbox } from "./lightbox.js";
import { learn, onCapture, onLine } from "./news.js";
import { chip } from "./story.js";
import { ago, shortUrl } from "./words.js";

const pageSize = 24;
const keptMax = 96; // beyond the pages that were asked for

function skeletons() {
  return Array.from({ length: 8 }, () => element("li", { class: "skeleton", "aria-hidden": "true" }, element("span", { class: "thumb" })));
}

function fill(node, capture) {
  const size = capture.image?.width ? `${capture.image.width} × ${capture.image.height}` : null;
  node.replaceChildren(
    element("span", { class: "thumb" }, thumbnail(capture)),
    element("strong", { title: capture.url }, shortUrl(capture.url)),
    element("span", { class: "about" },
      capture.status === "completed" ? heard("completed") : chip(capture.status),
      capture.status === "completed" ? element("span", {}, size ?? "PDF") : null,
      element("time", { datetime: capture.submittedAt }, ago(capture.submittedAt))));
}

// `query`: what of the list, as api takes it; `matches(capture)`: whether news
// belongs here; `empty`: stands there when there is nothing.
export function createGallery({ query, matches, empty }) {
  const list = element("ul", { class: "gallery" }, skeletons());
  const failure = element("p", { class: "error", role: "alert" });
  const more = button("Show older ones", () => loadMore(), { class: "quiet", hidden: true });
  const node = element("div", {}, list, empty, failure, element("p", { class: "more" }, more));
  const cards = new Map(); // id to { item, capture, key }
  const changed = new Map(); // news since the last frame
  const abort = new AbortController();
  let oldest; // undefined before the first page, null after the last one
  let kept = keptMax;
  empty.hidden = true;

  function items() {
    return [...list.children];
  }

  // One card is in the tab order; arrows go to the others.
  function rove(item) {
    for (const other of items()) other.firstChild.tabIndex = other === item ? 0 : -1;
  }

  function neighbour(id, by) {
    const item = cards.get(id)?.item;
    const next = by < 0 ? item?.previousElementSibling : item?.nextElementSibling;
    return next ? cards.get(next.dataset.id).capture : null;
  }

  function open(id) {
    openLightbox(cards.get(id).capture, {
      neighbour,
      closed: (last) => {
        const item = cards.get(last)?.item ?? list.firstChild;
        if (!item) return;
        rove(item);
        item.firstChild.focus();
      },
    });
  }

  function remove(id) {
    const { item } = cards.get(id);
    const next = item.nextElementSibling ?? item.previousElementSibling;
    const focused = item.contains(document.activeElement);
    const wasInOrder = item.firstChild.tabIndex === 0;
    item.remove();
    cards.delete(id);
    if (next && wasInOrder) rove(next);
    if (next && focused) next.firstChild.focus();
  }

  function add(capture) {
    const item = element("li", { "data-id": capture.jobId },
      element("button", { type: "button", class: "card", tabindex: "-1", onclick: () => open(capture.jobId) }));
    // ids are in order of time
    list.insertBefore(item, items().find((other) => other.dataset.id < capture.jobId) ?? null);
    cards.set(capture.jobId, { item });
    if (!list.querySelector("[tabindex='0']")) rove(item);
  }

  function put(capture) {
    const key = frameKey(capture);
    let card = cards.get(capture.jobId);
    if (!matches(capture)) {
      if (card) remove(capture.jobId);
      return;
    }
    if (!card) add(capture);
    card = cards.get(capture.jobId);
    card.capture = capture;
    if (card.key !== key) fill(card.item.firstChild, capture);
    card.key = key;
  }

  function settle() {
    empty.hidden = cards.size > 0;
    list.hidden = cards.size === 0;
  }

  // News from before the first page is there wait for it; news of what is below the
  // last page shown would tear a gap.
  function apply() {
    if (oldest === undefined) return;
    const last = oldest && list.lastChild?.dataset.id;
    for (const capture of changed.values()) {
      if (cards.has(capture.jobId) || !last || capture.jobId > last) put(capture);
    }
    changed.clear();
    while (cards.size > kept && !list.lastChild.contains(document.activeElement)) {
      oldest = list.children[kept - 1].dataset.id;
      remove(list.lastChild.dataset.id);
      more.hidden = false;
    }
    settle();
  }

  function take(page) {
    if (oldest === undefined) list.replaceChildren();
    page.captures.map(learn).forEach(put);
    oldest = page.nextCursor;
    more.hidden = !oldest;
    apply();
  }

  function address(cursor) {
    const parameters = new URLSearchParams({ ...query, limit: pageSize });
    if (cursor) parameters.set("cursor", cursor);
    return `/v1/captures?${parameters}`;
  }

  async function attempt(action) {
    try {
      await action();
      failure.replaceChildren();
    } catch (problem) {
      if (abort.signal.aborted) return;
      if (oldest === undefined) list.hidden = true;
      failure.replaceChildren(problem.message);
    }
  }

  // With a filter a page may be empty although more of them follow.
  function loadMore() {
    return attempt(async () => {
      const before = cards.size;
      const last = list.lastChild;
      do {
        take(await get(address(oldest), abort.signal));
      } while (oldest && cards.size === before);
      kept = Math.max(kept, cards.size + keptMax);
      if (document.activeElement === document.body || more.hidden) last?.nextElementSibling?.firstChild.focus();
    });
  }

  function refresh() {
    return attempt(async () => {
      const page = await get(address(), abort.signal);
      if (oldest === undefined) take(page);
      else page.captures.forEach(learn);
      if (oldest && cards.size === 0) await loadMore();
    });
  }

  function columns() {
    const top = list.firstChild.offsetTop;
    return items().findIndex((item) => item.offsetTop !== top);
  }

  list.addEventListener("keydown", (event) => {
    const all = items();
    const at = all.findIndex((item) => item.contains(document.activeElement));
    const row = columns() < 0 ? all.length : columns();
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - row, ArrowDown: at + row, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    if (!all[to]) return;
    rove(all[to]);
    all[to].firstChild.focus();
  });
  const endNews = onCapture((capture) => {
    if (changed.size === 0) requestAnimationFrame(apply);
    changed.set(capture.jobId, capture);
  });
  const endLine = onLine((up) => { if (up) refresh(); });
  const clock = setInterval(() => {
    for (const time of list.querySelectorAll("time")) time.replaceChildren(ago(time.dateTime));
  }, 20_000);

  return {
    node,
    leave() {
      abort.abort();
      endNews();
      endLine();
      clearInterval(clock);
    },
  };
}
