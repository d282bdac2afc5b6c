// The first page: projects, and a new one.

import { api, of } from "../api.js";
import { t } from "../i18n.js";
import { movingHand } from "../hand.js";
import { icon } from "../icons.js";
import { store } from "../store.js";
import { ask, attempt, button, confirm, field, h, keepFocus } from "../ui.js";
import { importButton } from "./take_away.js";

export function page({ go, signal }) {
  const list = h("ul", { class: "projects" });
  const heading = h("h2", {}, t("projects.title"));
  const mine = h("section", { class: "stack", "aria-label": t("projects.title") },
    h("div", { class: "row apart" }, heading, importButton(go)), list);
  const name = h("input", { type: "text", maxlength: 80, autocomplete: "off", placeholder: t("projects.example") });
  const create = h("form", { class: "card new-project", onsubmit: (event) => {
    event.preventDefault();
    attempt(async () => {
      const made = await api("POST", "projects", { name: name.value.trim() || t("projects.example") });
      await store.loadState();
      go(made.slug, "camera");
    });
  } },
  field(t("projects.new"), name),
  button(t("projects.create"), { icon: "right", kind: "primary big", type: "submit" }));

  function update() {
    const projects = store.state?.projects ?? [];
    keepFocus(list, () => list.replaceChildren(...projects.map((project) => card(project, go))));
    list.hidden = heading.hidden = !projects.length;
    mine.classList.toggle("none", !projects.length);
  }

  update();
  return {
    title: t("projects.title"),
    element: h("div", { class: "home" },
      h("section", { class: "hero" },
        h("h1", {}, t("projects.hero")),
        h("p", { class: "lead" }, t("projects.lead")),
        create),
      movingHand(signal),
      mine,
      h("section", { class: "how", "aria-label": t("projects.how") },
        h("ol", { class: "promise" },
          [["hand", "projects.step.show"], ["learn", "projects.step.teach"], ["link", "projects.step.bind"]].map(
            ([drawing, key]) => h("li", {}, icon(drawing), h("span", {}, t(key))))),
        h("p", { class: "hint" }, t("projects.private")))),
    update,
  };
}

function card(project, go) {
  const { slug, name, gestures, takes, model, damaged } = project;
  const facts = [
    t("projects.gestures", { n: gestures }), t("projects.takes", { n: takes }),
    model ? t("projects.taught") : t("projects.untaught"),
  ];
  return h("li", { class: "card project" },
    h("a", { class: "project-open", href: `#/${slug}/${takes ? "gestures" : "camera"}` },
      h("strong", {}, name), h("span", { class: "hint" }, facts.join(" · "))),
    button("", { icon: "pencil", kind: "bare", label: t("projects.rename", { name }), onclick: async () => {
      const wish = await ask(t("projects.rename", { name }), t("projects.name"), name, t("save"));
      if (wish) await changed(() => api("PATCH", of(slug), { name: wish }));
    } }),
    button("", { icon: "trash", kind: "bare", label: t("projects.delete", { name }), onclick: async () => {
      const sure = await confirm(t("projects.delete", { name }), t("projects.delete.text"), t("delete"));
      if (sure) await changed(() => api("DELETE", of(slug)));
    } }),
    damaged && h("p", { class: "warn" }, icon("warning"), h("span", {}, t("projects.damaged", { reason: damaged }))));
}

function changed(run) {
  return attempt(async () => {
    await run();
    await store.loadState();
  });
}
