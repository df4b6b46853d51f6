// Pictures of captures as elements.

import { key, pictureUrl, releasePicture } from "./api.js";
import { element, icon } from "./element.js";

const sources = new WeakMap(); // <img> to path

async function load(image) {
  observer.unobserve(image);
  try {
    const url = await pictureUrl(sources.get(image));
    image.addEventListener("load", () => releasePicture(url), { once: true });
    image.src = url;
  } catch {
    image.dispatchEvent(new Event("error"));
  }
}

const observer = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting) load(entry.target);
  }
}, { rootMargin: "300px" });

export function isPdf(capture) {
  return capture.image?.type === "application/pdf";
}

// There is a picture that an <img> can show: it came, and is still kept.
export function isSeen(capture) {
  return capture.status === "completed" && !isPdf(capture) && !capture.image.removedAt;
}

// The <img> of a capture that is seen; a small one is fetched when it
// comes into view.
export function picture(capture, alt, { small = false } = {}) {
  const image = element("img", {
    alt,
    width: capture.image.width,
    height: capture.image.height,
    decoding: "async",
  });
  image.addEventListener("error", () => {
    image.replaceWith(element("p", {}, "The picture could not be loaded."));
  }, { once: true });
  sources.set(image, small ? `/v1/captures/${capture.jobId}/thumbnail` : capture.image.url);
  if (small) observer.observe(image);
  else load(image);
  return image;
}

async function withUrl(capture, use) {
  const url = await pictureUrl(capture.image.url);
  use(url);
  setTimeout(() => releasePicture(url), 60_000);
}

function intercept(event, action) {
  if (!key()) return;
  event.preventDefault();
  action().catch(() => {});
}

// Links work by themselves without a key; with one the picture is fetched first.
export function pictureLinks(capture) {
  const name = `${capture.jobId}.${capture.image.type.split("/")[1]}`;
  return [
    element("a", {
      class: "button",
      href: `${capture.image.url}?download`,
      download: name,
      onclick: (event) => intercept(event, () => withUrl(capture, (url) => {
        element("a", { href: url, download: name }).click();
      })),
    }, icon("download"), "Download"),
    element("a", {
      class: "button",
      href: capture.image.url,
      target: "_blank",
      rel: "noopener",
      onclick: (event) => intercept(event, () => withUrl(capture, (url) => window.open(url, "_blank"))),
    }, icon("open"), "Open"),
  ];
}
