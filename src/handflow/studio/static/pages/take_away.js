// Step 6: everything as files, files back in, and the command that runs without the studio.

import { api, of } from "../api.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { store } from "../store.js";
import { attempt, button, confirm, h, keepFocus, toast } from "../ui.js";

const PARTS = [
  ["all", "box"], ["model", "learn"], ["onnx", "code"], ["dataset", "film"], ["bindings", "link"],
];

export function page({ go }) {
  const command = h("pre", { class: "command", tabindex: "0" });
  const copy = button(t("take.copy"), { icon: "copy", onclick: async () => {
    await navigator.clipboard.writeText(command.textContent);
    toast(t("take.copied"));
  } });
  const parts = h("ul", { class: "parts" });
  const told = h("p", { class: "hint" });

  async function load() {
    try {
      command.textContent = (await api("GET", of(store.slug, "command"))).command;
      told.textContent = t("take.command.hint");
    } catch (error) {
      command.textContent = "";
      told.textContent = error.message;
    }
    command.hidden = copy.hidden = !command.textContent;
  }

  function update() {
    const model = store.project?.model;
    const lacks = { model: !model, onnx: !model, dataset: !store.gestures.some((one) => one.takes.length),
      bindings: !store.project?.bindings?.bindings?.length };
    keepFocus(parts, () => parts.replaceChildren(...PARTS.map(([part, drawing]) =>
      h("li", { class: "card part" }, icon(drawing),
        h("div", { class: "stack tight" },
          h("h2", {}, t(`take.${part}`)), h("p", { class: "hint" }, t(`take.${part}.hint`))),
        lacks[part] ? h("span", { class: "hint" }, t(`take.${part}.lacking`))
          : h("a", { class: "button", href: `/api/${of(store.slug, "export", part)}`, download: "",
            "aria-label": t("take.download.label", { what: t(`take.${part}`) }) },
          icon("download"), h("span", {}, t("take.download")))))));
  }

  load();
  update();
  return {
    title: t("step.take-away"),
    element: h("div", { class: "column" },
      h("h1", {}, t("take.title")), h("p", { class: "lead" }, t("take.lead")),
      h("section", { class: "card stack", "aria-label": t("take.command") },
        h("h2", {}, t("take.command")), told, command, h("div", { class: "row" }, copy)),
      parts,
      h("section", { class: "card stack", "aria-label": t("take.import") },
        h("h2", {}, t("take.import")), h("p", { class: "hint" }, t("take.import.hint")),
        h("div", { class: "row" }, importButton(go)))),
    update,
  };
}

/** A button that brings a project, a dataset or a model back from a zip, and bindings into the open project. */
export function importButton(go) {
  const accept = store.slug ? ".zip,.toml" : ".zip";
  const input = h("input", { type: "file", accept, hidden: true, onchange: bring });
  const press = button(t("take.import.button"), { icon: "upload", onclick: () => input.click() });

  async function bring() {
    const [file] = input.files;
    input.value = "";
    if (!file) return;
    press.disabled = true;
    await attempt(() => store.slug && /\.toml$/i.test(file.name) ? bringBindings(file) : bringProject(file));
    press.disabled = false;
  }

  async function bringProject(file) {
    const name = encodeURIComponent(file.name.replace(/\.zip$/i, ""));
    const made = await api("POST", `projects/import?name=${name}`, file);
    await store.loadState();
    const { bindings } = await api("GET", of(made.slug, "bindings"));
    toast(t(bindings.length ? "take.imported.bound" : "take.imported", { name: made.name }));
    go(made.slug, "gestures");
  }

  async function bringBindings(file) {
    const here = store.project.bindings?.bindings?.length;
    if (here && !(await confirm(
      t("take.import.bindings"), t("take.import.bindings.text"), t("take.import.bindings.yes")))) return;
    await api("PUT", of(store.slug, "bindings.toml"), { text: await file.text() });
    await store.refresh();
    go(store.slug, "bind");
  }

  return h("span", {}, input, press);
}
