// Forms for the settings of actions, made from the table in actions.js.

import { ACTIONS, fieldsOf, variantOf } from "./actions.js";
import { has, t } from "./i18n.js";
import { keysField } from "./keys.js";
import { check } from "./record_panel.js";
import { field, h, segments, select } from "./ui.js";

/** The form of an action: {element, read()}; `read` throws an Error with what is wrong in words. */
export function actionForm(kind, settings) {
  const { variants, more = [] } = ACTIONS[kind];
  const fields = [...Object.values(variants ?? { only: fieldsOf(kind) }).flat(), ...more];
  const shown = new Set(fields.map(([name]) => name));
  const kept = Object.fromEntries(Object.entries(settings).filter(([name]) => !shown.has(name)));
  const body = h("div", { class: "stack" });
  const rest = more.map((one) => control(kind, one, settings));
  let variant = variantOf(kind, settings);
  let main = [];

  function build() {
    main = fieldsOf(kind, variant).map((one) => control(kind, one, settings));
    body.replaceChildren(...main.map(({ element }) => element));
  }

  build();
  return {
    element: h("div", { class: "stack" },
      variants && segments(t("bind.variant"),
        Object.keys(variants).map((one) => [one, t(`variant.${kind}.${one}`)]), variant, (chosen) => {
          variant = chosen;
          build();
        }),
      body,
      rest.length > 0 && h("details", { class: "options", open: rest.some(({ filled }) => filled) },
        h("summary", {}, t("bind.more")), h("div", { class: "stack" }, rest.map(({ element }) => element)))),
    read() {
      const read = { ...kept };
      for (const { name, value } of [...main, ...rest]) {
        const given = value();
        if (given !== undefined) read[name] = given;
      }
      return read;
    },
  };
}

function control(kind, [name, type, options], settings) {
  const label = t(`field.${kind}.${name}`);
  const hintKey = `field.${kind}.${name}.hint`;
  const given = settings[name];
  const filled = given !== undefined && given !== null;
  const made = MAKERS[type](filled ? given : undefined, options, label);
  const element = made.whole ?? field(label, made.input, has(hintKey) ? t(hintKey) : undefined, made.around);
  const value = () => {
    const read = made.read();
    if (options.needed && (read === undefined || read === "")) {
      made.input.focus();
      throw new Error(t("bind.needed", { field: label }));
    }
    return read;
  };
  return { name, element, filled, value };
}

const MAKERS = {
  text(given, { kind = "text", example = "" }) {
    const input = h("input", { type: "text", inputmode: kind, value: given ?? "", placeholder: example,
      autocomplete: "off" });
    return { input, read: () => input.value || undefined };
  },
  number(given, { min, max, step, usual }) {
    const input = h("input", { type: "number", min, max, step, value: given ?? "", placeholder: usual ?? "" });
    const read = () => (input.value === "" || Number(input.value) === usual ? undefined : Number(input.value));
    return { input, read };
  },
  amount(given, { usual, example = "" }) {
    const input = h("input", { type: "text", value: given ?? "", placeholder: usual ?? example,
      autocomplete: "off" });
    return { input, read: () => {
      const written = input.value.trim();
      const value = /^-?\d+(\.\d+)?$/.test(written) ? Number(written) : written;
      return value === "" || value === usual ? undefined : value;
    } };
  },
  choice(given, { options, usual }) {
    const words = (one) => (has(`choice.${one}`) ? t(`choice.${one}`) : String(one));
    const input = select(options.map((one) => [String(one), words(one)]), String(given ?? options[0]), null);
    const chosen = () => options.find((one) => String(one) === input.value);
    return { input, read: () => (chosen() === usual ? undefined : chosen()) };
  },
  check(given, _, label) {
    let on = given ?? false;
    return { whole: check(label, on, (now) => (on = now)), read: () => on || undefined };
  },
  numbers(given, { first, step = 1 }, label) {
    const inputs = [0, 1].map((place) => h("input", { type: "number", step, value: (given ?? first)[place],
      "aria-label": `${label} ${t(place ? "bind.y" : "bind.x")}` }));
    const element = h("div", { class: "field" }, h("span", { class: "label" }, label),
      h("div", { class: "row" }, h("span", {}, t("bind.x")), inputs[0], h("span", {}, t("bind.y")), inputs[1]));
    return { input: inputs[0], whole: element, read: () => inputs.map((one) => Number(one.value)) };
  },
  keys(given) {
    const made = keysField([given ?? ""].flat().join(", "));
    const read = () => {
      const chords = made.read().split(/\s*,\s*/).filter(Boolean);
      return chords.length > 1 ? chords : chords[0];
    };
    return { input: made.input, around: made.element, read };
  },
  json(given, { texts = false, example = "" }) {
    const text = given === undefined ? "" : typeof given === "string" && texts ? given : JSON.stringify(given);
    const input = h("textarea", { rows: 2, placeholder: example, spellcheck: "false" });
    input.value = text;
    return { input, read: () => {
      const written = input.value.trim();
      if (!written) return undefined;
      try {
        return JSON.parse(written);
      } catch {
        if (texts) return written;
        input.focus();
        throw new Error(t("bind.json", { text: written.slice(0, 40) }));
      }
    } };
  },
  lines(given, { example = "" }) {
    const input = h("textarea", { rows: 3, placeholder: example, spellcheck: "false" });
    input.value = (given ?? []).join("\n");
    return { input, read: () => {
      const lines = input.value.split("\n").filter((line) => line !== "");
      return lines.length ? lines : undefined;
    } };
  },
  table(given) {
    const input = h("textarea", { rows: 2, placeholder: "Name: …", spellcheck: "false" });
    input.value = Object.entries(given ?? {}).map(([name, value]) => `${name}: ${value}`).join("\n");
    return { input, read: () => {
      const rows = input.value.split("\n").filter((line) => line.includes(":"))
        .map((line) => [line.slice(0, line.indexOf(":")).trim(), line.slice(line.indexOf(":") + 1).trim()]);
      return rows.length ? Object.fromEntries(rows) : undefined;
    } };
  },
};
