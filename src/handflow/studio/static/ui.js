// Small helpers that make elements, dialogs and notices. Nothing here knows about gestures.

import { icon } from "./icons.js";
import { t } from "./i18n.js";

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "draggable"]);

/** An element: `on…` are listeners, `data…` go to dataset, what is null or false is left out. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (PROPERTIES.has(name)) element[name] = value;
    else if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A button with a drawing, a text, or both. */
export function button(text, { icon: drawing, kind = "", label, ...props } = {}) {
  const parts = [drawing && icon(drawing), text && h("span", {}, text)];
  const name = label ? { "aria-label": label, title: label } : {};
  return h("button", { type: "button", class: `button ${kind}`, ...name, ...props }, parts);
}

/** A labelled field: the label stands above, a hint below; `around` holds the control and what belongs to it. */
export function field(label, control, hint, around = control) {
  const id = control.id || `field-${(field.made = (field.made ?? 0) + 1)}`;
  control.id = id;
  if (hint) control.setAttribute("aria-describedby", `${id}-hint`);
  return h("div", { class: "field" },
    h("label", { for: id }, label), around, hint && h("p", { class: "hint", id: `${id}-hint` }, hint));
}

/** A choice of one among a few, side by side. `options` are [value, text, hint, whether it can be chosen]. */
export function segments(label, options, chosen, choose) {
  const name = `segments-${(segments.made = (segments.made ?? 0) + 1)}`;
  return h("fieldset", { class: "segments" }, h("legend", { class: "for-ears" }, label),
    options.map(([value, text, hint, possible = true]) =>
      h("label", { title: hint },
        h("input", { type: "radio", name, value, checked: value === chosen, disabled: !possible,
          onchange: () => choose(value) }),
        h("span", {}, text))));
}

/** A drop-down list. `options` are [value, text]. */
export function select(options, chosen, choose, props = {}) {
  const made = h("select", { onchange: () => choose?.(made.value), ...props },
    options.map(([value, text]) => h("option", { value }, text)));
  made.value = chosen;
  return made;
}

const SAID = 5000; // ms that what was said stays to be read

/** Says something to those who do not see the page, after what was said before. */
export function say(text) {
  if (!text) return;
  const line = h("p", {}, text);
  document.getElementById("spoken").append(line);
  setTimeout(() => line.remove(), SAID);
}

/** A notice at the edge that goes by itself; with an action it stays longer. */
export function toast(text, { kind = "", action, run } = {}) {
  const gone = () => note.remove();
  const note = h("div", { class: `toast ${kind}`, data: action ? { action } : {} },
    h("span", {}, text),
    action && button(action, { kind: "link", onclick: () => { gone(); run(); } }),
    button("", { icon: "close", kind: "bare", label: t("close"), onclick: gone }));
  const toasts = document.getElementById("toasts");
  // Only the last change can be taken back.
  if (action) toasts.querySelectorAll("[data-action]").forEach((one) => one.remove());
  while (toasts.children.length > 2) toasts.firstChild.remove();
  toasts.append(note);
  let timer = setTimeout(gone, action ? 10_000 : kind === "bad" ? 12_000 : 5000);
  const stay = () => clearTimeout(timer);
  const leave = () => { stay(); timer = setTimeout(gone, 3000); };
  note.addEventListener("pointerenter", stay);
  note.addEventListener("focusin", stay);
  note.addEventListener("pointerleave", leave);
  note.addEventListener("focusout", leave);
}

/** Runs something and says what goes wrong; resolves to whether it went well. */
export async function attempt(run) {
  try {
    await run();
  } catch (error) {
    toast(error.message, { kind: "bad" });
    return false;
  }
  return true;
}

/** A dialog in front of the page. `build(close)` makes its content; resolves to what `close` is given. */
export function dialog(title, build, { wide = false } = {}) {
  return new Promise((resolve) => {
    const close = (value) => { result = value; box.close(); };
    let result;
    const box = h("dialog", { class: wide ? "dialog wide" : "dialog", "aria-label": title },
      h("div", { class: "dialog-head" },
        h("h2", {}, title),
        button("", { icon: "close", kind: "bare", label: t("close"), onclick: () => close(undefined) })));
    box.append(build(close));
    box.addEventListener("close", () => { box.remove(); resolve(result); });
    let outside = false; // where the pointer went down: who marks a text may let it go there
    box.addEventListener("pointerdown", ({ clientX: x, clientY: y }) => {
      const { left, right, top, bottom } = box.getBoundingClientRect();
      outside = x < left || x > right || y < top || y > bottom;
    });
    box.addEventListener("click", ({ target }) => { if (outside && target === box) close(undefined); });
    document.body.append(box);
    box.showModal();
    const first = box.querySelector("[data-first]");
    (first ?? box.querySelector("input, select, textarea, .tile:not(:disabled), .button.primary"))?.focus();
  });
}

/** Asks before something goes; resolves to whether it may. */
export function confirm(title, text, yes) {
  return dialog(title, (close) =>
    h("div", { class: "stack" },
      h("p", {}, text),
      h("div", { class: "row end" },
        button(t("cancel"), { onclick: () => close(false) }),
        button(yes, { kind: "danger", onclick: () => close(true), data: { first: "" } }))));
}

/** Asks for a name; resolves to it, or to undefined. */
export function ask(title, label, value, yes, hint) {
  return dialog(title, (close) => {
    const input = h("input", { type: "text", value, maxlength: 80, autocomplete: "off", required: true });
    return h("form", { class: "stack", onsubmit: (event) => {
      event.preventDefault();
      if (input.value.trim()) close(input.value.trim());
    } }, field(label, input, hint),
    h("div", { class: "row end" },
      button(t("cancel"), { onclick: () => close(undefined) }),
      button(yes, { kind: "primary", type: "submit" })));
  });
}

/** Whether a key that was pressed is meant for the page: not typed into a field, no dialog in front. */
export function forThePage(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return false;
  if (document.querySelector("dialog[open]")) return false;
  const typing = "input:not([type=radio], [type=checkbox], [type=range]), textarea, select, [data-keys]";
  return !event.target.closest?.(typing);
}

/** A value of the theme, for canvases. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** A canvas made as sharp as the screen is, and cleared: its pen, in CSS pixels, and its size. */
export function sharp(canvas) {
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return [pen, width, height];
}

/** How many colours tell gestures apart before they begin anew. */
export const HUES = 8;

/** Brings children into this order and leaves alone what is in place, so that focus and motion stay. */
export function arrange(parent, nodes) {
  for (const child of [...parent.children]) if (!nodes.includes(child)) child.remove();
  nodes.forEach((node, place) => {
    if (parent.children[place] !== node) parent.insertBefore(node, parent.children[place] ?? null);
  });
}

/** Redraws what stands in an element; who had the focus in it finds it at the same place. */
export function keepFocus(parent, redraw) {
  const all = () => [...parent.querySelectorAll("a[href], button:not(:disabled), input, select, summary")];
  const at = all().indexOf(document.activeElement);
  redraw();
  if (at < 0 || parent.contains(document.activeElement)) return;
  const now = all();
  now[Math.min(at, now.length - 1)]?.focus();
}
