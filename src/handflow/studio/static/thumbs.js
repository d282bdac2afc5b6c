// Takes as small moving pictures. The server sends a strip of pictures; CSS steps through it.

import { blob, of } from "./api.js";
import { t } from "./i18n.js";
import { h } from "./ui.js";

const PAUSE = 0.35; // seconds that are added to each round, so that one sees where it begins
const strips = new Map(); // take id → Promise of {url, steps, width, height}

const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    watcher.unobserve(target);
    load(target);
  }
}, { rootMargin: "200px" });

const waiting = new WeakMap(); // element → what it will show

/** The moving picture of a take, mirrored as the camera shows it; it loads when it comes into sight. */
export function thumb(slug, take) {
  const element = h("div", { class: "thumb", data: { state: "loading" } });
  element.style.setProperty("--seconds", `${Math.max(0.4, take.seconds) + PAUSE}s`);
  waiting.set(element, { slug, id: take.id });
  watcher.observe(element);
  return element;
}

/** Forgets the picture of a take that is no more. */
export function forget(id) {
  strips.get(id)?.then(({ url }) => URL.revokeObjectURL(url), () => {});
  strips.delete(id);
}

async function load(element) {
  const { slug, id } = waiting.get(element);
  if (!strips.has(id)) strips.set(id, strip(slug, id));
  try {
    const { url, steps, width, height } = await strips.get(id);
    const image = h("img", { src: url, alt: "", draggable: false });
    element.style.setProperty("--steps", steps);
    element.style.aspectRatio = `${width} / ${height}`;
    element.replaceChildren(image);
    element.dataset.state = "moving";
  } catch {
    strips.delete(id);
    element.dataset.state = "missing";
    element.textContent = t("take.no-picture");
  }
}

async function strip(slug, id) {
  const [picture, headers] = await blob(of(slug, "takes", id, "preview"));
  const [steps, width, height] = ["X-Steps", "X-Width", "X-Height"].map((name) => Number(headers.get(name)));
  return { url: URL.createObjectURL(picture), steps, width, height };
}
