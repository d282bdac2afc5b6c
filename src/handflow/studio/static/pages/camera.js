// Step 1: a camera, oneself in it, and whether light and speed will do.

import { conditions } from "../conditions.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { stage } from "../stage.js";
import { h } from "../ui.js";

const DRAWINGS = { good: "check", poor: "warning", unknown: "info" };
const OFTEN = 400; // ms

export function page({ signal, reached }) {
  const view = stage(signal, { warnings: false });
  const list = h("ul", { class: "checks" });
  let known = "";

  function look() {
    const found = conditions();
    const text = JSON.stringify(found);
    if (text === known) return;
    known = text;
    list.replaceChildren(...found.map(([name, state, words]) =>
      h("li", { data: { state, check: name } }, icon(DRAWINGS[state]), h("span", {}, words))));
    if (found.every(([, state]) => state === "good")) reached("camera");
  }

  look();
  const timer = setInterval(look, OFTEN);
  signal.addEventListener("abort", () => clearInterval(timer));
  return {
    title: t("step.camera"),
    live: true,
    element: h("div", { class: "split" },
      view.element,
      h("section", { class: "stack side", "aria-label": t("camera.checks") },
        h("h1", {}, t("camera.title")),
        h("p", { class: "lead" }, t("camera.lead")),
        list,
        h("p", { class: "hint" }, t("camera.private")))),
  };
}
