// The dialog in which a binding is made or changed.

import { api, of } from "./api.js";
import { ACTIONS, opened } from "./actions.js";
import { actionForm } from "./forms.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { check } from "./record_panel.js";
import { store } from "./store.js";
import { shown } from "./takes.js";
import { arrange, button, dialog, field, h, select } from "./ui.js";

const HANDS = ["any", "left", "right", "both"];

/** Makes a binding for a gesture, or changes the one with that number. Resolves to whether it was saved. */
export function editBinding(kinds, { gesture, binding = { gesture, do: [] }, number: place = null }) {
  const title = t("bind.title.one", { gesture: shown(binding.gesture) });
  return dialog(title, (close) => {
    const parts = [];
    const actions = h("div", { class: "stack" });
    const tiles = h("div", { class: "tiles" });
    const trouble = h("p", { class: "warn", role: "alert", hidden: true });
    const when = whenForm(binding);
    const another = button(t("bind.another"), { icon: "plus", kind: "quiet", onclick: () => choosing(true) });
    const save = button(t("save"), { kind: "primary", type: "submit" });

    function choosing(on) {
      tiles.hidden = !on;
      another.hidden = on || !parts.length;
      save.disabled = !parts.length;
      if (on) tiles.querySelector("button:not(:disabled)")?.focus();
    }

    function add(kind, settings) {
      const form = actionForm(kind, settings);
      const part = { kind, form, element: h("section", { class: "action-part", "aria-label": t(`kind.${kind}`) },
        h("div", { class: "row" }, icon(ACTIONS[kind].icon), h("h3", {}, t(`kind.${kind}`)),
          h("span", { class: "spring" }),
          button("", { icon: "trash", kind: "bare", label: t("bind.remove-action"), onclick: () => {
            parts.splice(parts.indexOf(part), 1);
            arrange(actions, parts.map((one) => one.element));
            choosing(!parts.length);
          } })), form.element) };
      parts.push(part);
      actions.append(part.element);
      choosing(false);
      part.element.querySelector("input:not([type=radio]), select, textarea")?.focus();
    }

    for (const [kind, { icon: drawing }] of Object.entries(ACTIONS)) {
      const { allowed = true, extra, extra_missing: lacking = false } = kinds[kind] ?? {};
      tiles.append(h("button", { type: "button", class: "tile", disabled: !allowed, data: { kind },
        onclick: () => add(kind, {}) },
      icon(drawing), h("strong", {}, t(`kind.${kind}`)),
      h("small", {}, !allowed ? t("bind.not-allowed")
        : lacking ? t("bind.lacking", { extra }) : t(`kind.${kind}.hint`))));
    }
    for (const action of binding.do) add(...opened(action));
    choosing(!parts.length);

    return h("form", { class: "stack", novalidate: true, onsubmit: async (event) => {
      event.preventDefault();
      trouble.hidden = true;
      try {
        const what = parts.map(({ kind, form }) => ({ [kind]: form.read() }));
        const made = { ...when.read(), gesture: binding.gesture, do: what };
        await api(place === null ? "POST" : "PUT",
          of(store.slug, "bindings", ...(place === null ? [] : [place])), made);
        close(true);
      } catch (error) {
        trouble.replaceChildren(icon("warning"), error.message);
        trouble.hidden = false;
      }
    } }, actions, tiles, another, when.element, trouble,
    h("div", { class: "row end" }, button(t("cancel"), { onclick: () => close(false) }), save));
  }, { wide: true });
}

/** When a binding holds. */
function whenForm(binding) {
  const hand = select(HANDS.map((one) => [one, t(`hand.${one}`)]), binding.hand ?? "any");
  const least = amount(binding.least_score, 0, 1, 0.05);
  const cooldown = amount(binding.cooldown, 0, 3600, 0.1);
  const repeat = amount(binding.repeat, 0.05, 60, 0.05);
  const modes = h("input", { type: "text", value: [binding.modes ?? []].flat().join(", "), autocomplete: "off" });
  const application = h("input", { type: "text", value: binding.application ?? "", autocomplete: "off",
    placeholder: "*Firefox*" });
  let enabled = binding.enabled ?? true;
  const asked = ["hand", "least_score", "cooldown", "repeat", "modes", "application"].some((name) => {
    const value = binding[name];
    return value && value !== "any" && value.length !== 0;
  });
  const element = h("details", { class: "options", open: asked }, h("summary", {}, t("bind.when")),
    h("div", { class: "fields" },
      field(t("bind.hand"), hand),
      field(t("bind.least"), least, t("bind.least.hint")),
      field(t("bind.cooldown"), cooldown, t("bind.cooldown.hint")),
      field(t("bind.repeat"), repeat, t("bind.repeat.hint")),
      field(t("bind.modes"), modes, t("bind.modes.hint")),
      field(t("bind.application"), application, t("bind.application.hint")),
      check(t("bind.enabled"), enabled, (on) => (enabled = on))));
  const read = () => {
    const found = {};
    if (hand.value !== "any") found.hand = hand.value;
    for (const [name, input] of [["least_score", least], ["cooldown", cooldown], ["repeat", repeat]]) {
      if (Number(input.value) > 0) found[name] = Number(input.value);
    }
    const named = modes.value.split(",").map((one) => one.trim()).filter(Boolean);
    if (named.length) found.modes = named;
    if (application.value.trim()) found.application = application.value.trim();
    if (!enabled) found.enabled = false;
    return found;
  };
  return { element, read };
}

function amount(value, min, max, step) {
  return h("input", { type: "number", min, max, step, value: value || "" });
}
