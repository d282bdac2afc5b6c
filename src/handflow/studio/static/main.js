// The page as a whole: which part of it is shown, and what concerns all of them.

import { isThere, server } from "./api.js";
import { drawSteps, drawTop, finished, STEPS } from "./header.js";
import { language, preferred, speak, t } from "./i18n.js";
import { icon } from "./icons.js";
import { live } from "./live.js";
import { page as article } from "./pages/article.js";
import { page as bind } from "./pages/bind.js";
import { page as camera } from "./pages/camera.js";
import { page as gestures } from "./pages/gestures.js";
import { page as projects } from "./pages/projects.js";
import { page as takeAway } from "./pages/take_away.js";
import { page as train } from "./pages/train.js";
import { page as tryOut } from "./pages/try.js";
import { store } from "./store.js";
import { button, h, toast } from "./ui.js";

const PAGES = { camera, gestures, train, try: tryOut, bind, "take-away": takeAway, article };
const PARTS = ["top", "steps", "banner", "main", "skip"];
const parts = Object.fromEntries(PARTS.map((id) => [id, document.getElementById(id)]));
let shown = null; // {update, leave, name}
let drawn = ""; // what the frame shows

/** Goes to a page of a project. */
function go(slug, name) {
  location.hash = slug ? `#/${slug}/${name}` : "#/";
}

/** What the address names: [slug, page]. */
function address() {
  const [slug = "", name = "camera"] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  return [slug, name in PAGES ? name : "camera"];
}

/** Steps that were reached in this tab and that the server knows nothing of. */
function reachedOf(slug) {
  return new Set(JSON.parse(sessionStorage.getItem(`handflow.reached.${slug}`) ?? "[]"));
}

function reach(step) {
  const reached = reachedOf(store.slug);
  if (reached.has(step)) return;
  sessionStorage.setItem(`handflow.reached.${store.slug}`, JSON.stringify([...reached, step]));
  drawFrame();
}

/** Shows what the address names. */
async function route({ focus = true } = {}) {
  const [slug, name] = address();
  shown?.leave();
  shown = null;
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close()); // they asked about the page before
  try {
    if (slug) await store.open(slug);
    else {
      store.close();
      await store.loadState();
    }
  } catch (error) {
    if (!isThere()) return; // the banner says so; when somebody is there again, so is the page
    toast(error.status === 404 ? t("projects.unknown", { name: slug }) : error.message, { kind: "bad" });
    if (slug) go("");
    return;
  }
  const [nowSlug, nowName] = address();
  if (slug && store.slug !== slug) return; // another one was opened meanwhile
  if (nowSlug === slug && nowName === name && shown === null) show(slug ? name : "projects", focus);
}

function show(name, focus) {
  const leaving = new AbortController();
  const build = name === "projects" ? projects : PAGES[name];
  const made = build({ go, reached: reach, signal: leaving.signal });
  if (made.live) live.start(store.slug);
  else live.stop();
  shown = { name, update: made.update ?? (() => {}), leave: () => leaving.abort() };
  parts.main.replaceChildren(made.element, ...next(name));
  parts.main.dataset.page = name;
  document.title = [made.title, store.project?.name, "handflow studio"].filter(Boolean).join(" · ");
  made.update?.();
  drawFrame();
  if (focus) {
    scrollTo(0, 0);
    const heading = parts.main.querySelector("h1");
    heading?.setAttribute("tabindex", "-1");
    heading?.focus({ preventScroll: true });
  }
}

/** The way to the next step, at the end of a page. */
function next(name) {
  const place = STEPS.findIndex(([page]) => page === name);
  if (place < 0) return [];
  const way = [];
  const before = STEPS[place - 1]?.[0];
  const after = STEPS[place + 1]?.[0];
  if (before) {
    way.push(button(t(`step.${before}`), { icon: "left", kind: "quiet", onclick: () => go(store.slug, before) }));
  }
  way.push(h("span", { class: "spring" }));
  if (after) {
    way.push(h("button", { type: "button", id: "next", class: "button big", onclick: () => go(store.slug, after) },
      h("span", {}, t("next", { step: t(`step.${after}`) })), icon("right")));
  }
  return [h("footer", { class: "way row" }, way)];
}

/** Draws what surrounds the page anew. */
function drawFrame() {
  const name = shown?.name ?? "projects";
  const reached = reachedOf(store.slug);
  const done = store.project ? finished(reached) : {};
  const what = [language, document.documentElement.dataset.chosen, name, store.slug, store.project?.name, done];
  if (drawn === JSON.stringify(what)) return; // what has the focus keeps it
  drawn = JSON.stringify(what);
  drawTop(parts.top, { speakIn, repaint });
  drawSteps(parts.steps, name, done);
  document.getElementById("next")?.classList.toggle("primary", Boolean(done[name]));
  parts.skip.textContent = t("skip");
}

async function speakIn(code) {
  localStorage.setItem("handflow.language", code);
  await speak(code);
  await route({ focus: false });
  parts.top.querySelector("select")?.focus();
}

function repaint() {
  drawFrame();
  shown?.update();
  parts.top.querySelector("button:last-child")?.focus();
}

function banner(kind) {
  if (parts.banner.dataset.kind === kind) return; // said once
  parts.banner.dataset.kind = kind;
  parts.banner.hidden = !kind;
  if (!kind) return;
  const [title, text] = [t(`${kind}.title`), t(`${kind}.text`)];
  parts.banner.replaceChildren(icon("warning"), h("strong", {}, title), h("span", {}, text));
}

live.addEventListener("error", () => toast(live.trouble, { kind: "bad" }));
store.addEventListener("change", () => {
  shown?.update();
  if (shown) drawFrame();
});
server.addEventListener("gone", () => banner("gone"));
server.addEventListener("locked", () => banner("locked"));
server.addEventListener("there", () => {
  banner("");
  if (shown) store.refresh().catch(() => {});
  else route();
});
parts.skip.addEventListener("click", () => parts.main.querySelector("h1")?.focus());
addEventListener("hashchange", () => route());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => shown?.update());

// Tests read what was measured here.
window.handflow = { get measured() { return live.measured.toJSON(); } };

await speak("en"); // so that there are words even if nobody answers
try {
  await store.loadState();
  await speak(preferred(store.state.languages ?? ["en"]));
} catch {
  banner("gone");
}
route({ focus: false });
