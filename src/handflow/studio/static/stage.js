// The camera as a page shows it: the mirrored picture, the hands over it, and what is to be said about both.

import { warning } from "./conditions.js";
import { number, t } from "./i18n.js";
import { icon } from "./icons.js";
import { live } from "./live.js";
import { drawHands } from "./overlay.js";
import { store } from "./store.js";
import { button, h, keepFocus, say, select } from "./ui.js";

const OWN = "own"; // the server's camera, in the list of cameras
const LINK = new Set(["busy", "taken", "failed"]); // states of the connection that matter more than the camera's
const FADE = 400; // ms after which hands without a new answer are no longer drawn
const OFTEN = 500; // ms between looks at rates and light

/** A camera view; it lives until the signal says so.
 *
 * Returns {element, note(text, kind), count(number), progress(share), frame(kind), shout(text)}.
 */
export function stage(signal, { bar = true, warnings = true } = {}) {
  const overlay = h("canvas", { class: "overlay" });
  const badge = h("span", { class: "badge" });
  const note = h("p", { class: "note", hidden: true });
  const count = h("div", { class: "count", "aria-hidden": "true", hidden: true });
  const shout = h("div", { class: "shout", "aria-hidden": "true", hidden: true });
  const fill = h("i");
  const progress = h("div", { class: "take-progress", hidden: true }, fill);
  const trouble = h("div", { class: "trouble", role: "alert", hidden: true });
  const figures = h("dl", { class: "figures" });
  const picture = h("div", { class: "picture" }, live.video, live.picture, overlay, badge, count, shout, progress,
    note, trouble);
  const cameras = h("div", { class: "cameras" });
  const details = h("details", { class: "details" }, h("summary", {}, icon("gauge"), h("span", {}, t("details"))),
    figures);
  const element = h("section", { class: "stage", "aria-label": t("camera.picture") }, picture,
    bar && h("div", { class: "stage-bar" }, cameras, details));

  live.video.play().catch(() => {}); // moving it has paused it; without a stream there is nothing to play
  live.addEventListener("seen", ({ detail }) => {
    drawHands(overlay, detail.hands);
    overlay.dataset.hands = detail.hands.length;
    shownAt = performance.now();
  }, { signal });
  live.addEventListener("change", changed, { signal });
  live.video.addEventListener("resize", () => shape(), { signal });
  const timer = setInterval(often, OFTEN);
  signal.addEventListener("abort", () => clearInterval(timer));
  let shownAt = 0;
  let shouting = 0;
  let asked = "";
  let warned = ""; // without its numbers, which change all the time
  changed();

  function changed() {
    shape();
    const state = !live.ownCamera ? live.camera.state : live.running ? "on" : "starting";
    picture.dataset.state = LINK.has(live.link.state) ? live.link.state : state;
    const told = troubleOf(picture.dataset.state);
    if (asked !== picture.dataset.state) {
      asked = picture.dataset.state;
      trouble.replaceChildren(...told);
      trouble.hidden = !told.length;
    }
    if (!live.running) drawHands(overlay, []);
    if (bar) keepFocus(cameras, () => cameras.replaceChildren(...cameraList()));
    often();
  }

  function shape() {
    const [width, height] = live.ownCamera ? [live.picture.width, live.picture.height]
      : [live.video.videoWidth, live.video.videoHeight];
    if (width) picture.style.aspectRatio = `${width} / ${height}`;
  }

  function often() {
    const rate = live.measured.cameraRate;
    const text = warnings ? warning() : null;
    const told = text ?? (rate === null || !live.running ? "" : t("fps", { n: number(rate) }));
    if (badge.textContent !== told) badge.replaceChildren(...(text ? [icon("warning"), text] : [told]));
    badge.classList.toggle("poor", text !== null);
    badge.hidden = !told;
    const kind = text?.replace(/[\d.,]+/g, "") ?? "";
    if (warned !== kind && kind) say(text);
    warned = kind;
    if (performance.now() - shownAt > FADE) drawHands(overlay, []);
    if (details.open) figures.replaceChildren(...figuresOf());
  }

  return {
    element,
    note(text, kind = "") {
      if (note.textContent === text && note.dataset.kind === kind) return;
      note.textContent = text;
      note.dataset.kind = kind;
      note.hidden = !text;
    },
    count(number) {
      const text = number ? String(number) : "";
      if (count.textContent === text) return;
      count.textContent = text;
      count.hidden = !text;
    },
    progress(share) {
      progress.hidden = share === null;
      if (share !== null) fill.style.transform = `scaleX(${share})`;
    },
    frame(kind) {
      picture.dataset.frame = kind;
    },
    shout(text, hue) {
      clearTimeout(shouting);
      shout.hidden = true;
      shout.textContent = text;
      shout.dataset.hue = hue;
      requestAnimationFrame(() => (shout.hidden = false));
      shouting = setTimeout(() => (shout.hidden = true), 1400);
    },
  };
}

function troubleOf(state) {
  const again = () => live.camera.start();
  const told = (name, drawing, text, action, kind = "primary") => [
    icon(drawing), h("h3", {}, t(`camera.${name}.title`)), h("p", {}, t(`camera.${name}.text`)),
    text && button(text, { kind, onclick: action }),
  ].filter(Boolean);
  if (state === "busy" || state === "taken") {
    return told(state, "layers", t("camera.take-over"), () => live.takeOver());
  }
  if (state === "failed") {
    return [icon("warning"), h("h3", {}, t("camera.failed.title")), h("p", {}, live.trouble),
      button(t("again"), { kind: "primary", onclick: () => live.link.again() })];
  }
  if (state === "refused") return told("refused", "camera", t("again"), again);
  if (state === "missing") return told("missing", "camera", t("again"), again);
  if (state === "used") return told("used", "camera", t("again"), again);
  if (state === "gone") return told("gone", "camera", t("again"), again);
  if (state === "unsafe") return told("unsafe", "warning");
  if (state === "off") return told("off", "camera", t("camera.off.start"), again);
  return state === "starting" ? [h("p", { class: "busy" }, t("camera.starting"))] : [];
}

function cameraList() {
  const { devices, chosen } = live.camera;
  const options = devices.map(({ id, label }, n) => [id, label || t("camera.nameless", { n: n + 1 })]);
  if (store.state?.server_camera) options.push([OWN, t("camera.own")]);
  if (!options.length) return [];
  const list = select(options, live.ownCamera ? OWN : chosen, (id) => {
    if ((id === OWN) !== live.ownCamera) live.useOwnCamera(id === OWN);
    if (id !== OWN) live.camera.choose(id);
  }, { "aria-label": t("camera.choose") });
  return [icon("camera"), list];
}

function figuresOf() {
  const { cameraRate, answeredRate, roundTrip, server, sent, dropped, size } = live.measured.toJSON();
  const ms = (spread) => (spread ? t("figures.ms", { p50: number(spread.p50), p95: number(spread.p95) }) : "–");
  const rows = [
    ["figures.camera", cameraRate === null ? "–" : t("fps", { n: number(cameraRate, 1) })],
    ["figures.answered", answeredRate === null ? "–" : t("fps", { n: number(answeredRate, 1) })],
    ["figures.trip", ms(roundTrip)],
    ["figures.server", ms(server)],
    ["figures.sent", t("figures.frames", { n: number(sent), dropped: number(dropped) })],
    ["figures.size", size ? size.join(" × ") : "–"],
  ];
  return rows.flatMap(([key, value]) => [h("dt", {}, t(key)), h("dd", {}, value)]);
}
