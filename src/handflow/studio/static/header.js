// What stands above every page: the name, the project, the steps, language and light.

import { language, nameOf, t } from "./i18n.js";
import { icon } from "./icons.js";
import { store } from "./store.js";
import { button, h, select } from "./ui.js";
import { stale } from "./pages/train.js";

/** The steps in order: [page, drawing]. */
export const STEPS = [
  ["camera", "camera"], ["gestures", "hand"], ["train", "learn"],
  ["try", "play"], ["bind", "link"], ["take-away", "box"],
];
const THEMES = [["auto", "auto"], ["light", "sun"], ["dark", "moon"]];

/** Draws the bar at the top. */
export function drawTop(top, { speakIn, repaint }) {
  const theme = document.documentElement.dataset.chosen;
  const place = THEMES.findIndex(([name]) => name === theme);
  const themes = button("", { icon: THEMES[place][1], kind: "bare", label: t(`theme.${theme}`), onclick: () => {
    localStorage.setItem("handflow.theme", THEMES[(place + 1) % THEMES.length][0]);
    dispatchEvent(new Event("theme"));
    repaint();
  } });
  const languages = (store.state?.languages ?? []).map((code) => [code, nameOf(code)]);
  const project = store.project;
  top.replaceChildren(
    h("a", { class: "brand", href: "#/" }, h("img", { src: "/static/icon.svg", alt: "", width: 30, height: 30 }),
      h("span", {}, "handflow")),
    project ? h("a", { class: "project-name", href: "#/", title: t("projects.switch") }, project.name) : "",
    h("span", { class: "spring" }),
    project ? h("a", { class: "button bare article-link", href: `#/${project.slug}/article`,
      title: t("article.title"), "aria-label": t("article.title") },
    icon("film"), h("span", {}, t("article.short"))) : "",
    languages.length > 1 ? h("span", { class: "language" }, icon("globe"),
      select(languages, language, speakIn, { "aria-label": t("language") })) : "",
    themes);
}

/** Draws the steps of a project, with check marks for what is done. */
export function drawSteps(steps, here, done) {
  const project = store.project;
  steps.hidden = !project || !STEPS.some(([page]) => page === here);
  steps.setAttribute("aria-label", t("steps"));
  if (steps.hidden) return;
  steps.replaceChildren(h("ol", {}, STEPS.map(([page], place) =>
    h("li", { class: done[page] ? "done" : "" },
      h("a", { href: `#/${project.slug}/${page}`, "aria-current": page === here ? "step" : null },
        h("span", { class: "number" }, done[page] && page !== here ? icon("check") : String(place + 1)),
        h("span", { class: "name" }, t(`step.${page}`)),
        done[page] && h("span", { class: "for-ears" }, t("step.done")))))));
}

/** Which steps are done. */
export function finished(reached) {
  const taken = store.meant.filter((one) => one.takes.length).length;
  return {
    camera: reached.has("camera") || taken > 0,
    gestures: taken >= 2,
    train: Boolean(store.project?.model) && !stale(),
    try: reached.has("try"),
    bind: (store.project?.bindings?.bindings ?? []).length > 0,
    "take-away": false,
  };
}
