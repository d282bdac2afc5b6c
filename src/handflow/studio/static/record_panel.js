// The controls below the camera: what is recorded, how, and the button that begins and ends it.

import { number, t } from "./i18n.js";
import { icon } from "./icons.js";
import { live } from "./live.js";
import { HOW } from "./recorder.js";
import { setSounds, soundsOn } from "./sounds.js";
import { BACKGROUND, store } from "./store.js";
import { shown } from "./takes.js";
import { h, segments } from "./ui.js";

/** The panel of a recorder: {element, update(), focus()}. */
export function recordPanel(recorder) {
  const { settings } = recorder;
  const press = h("button", { type: "button", class: "record", onclick: () => recorder.press() });
  const target = h("p", { class: "record-target" });
  const ways = HOW.map((one) => [one, t(`record.how.${one}`), t(`record.how.${one}.hint`)]);
  const how = segments(t("record.how"), ways, settings.how, (chosen) => {
    if (recorder.active) recorder.stop();
    recorder.set({ how: chosen });
  });
  const hint = h("p", { class: "hint" });
  const options = h("details", { class: "options" }, h("summary", {}, t("record.options")),
    h("div", { class: "stack" },
      slider(t("record.seconds"), 0.5, 4, 0.1, settings.seconds, (seconds) => recorder.set({ seconds }),
        (value) => t("seconds", { n: number(value, 1) })),
      slider(t("record.takes"), 1, 20, 1, settings.takes, (takes) => recorder.set({ takes }),
        (value) => number(value)),
      check(t("record.pictures"), settings.pictures, (pictures) => recorder.set({ pictures }),
        t("record.pictures.hint")),
      check(t("record.sounds"), soundsOn(), setSounds)));

  function update() {
    const { gesture, active } = recorder;
    const ready = live.running && gesture !== null && (gesture !== BACKGROUND || active);
    press.disabled = !active && !ready;
    press.dataset.active = active;
    const text = active ? t("record.stop") : t("record.start");
    if (press.dataset.text !== text) {
      press.dataset.text = text;
      press.replaceChildren(icon(active ? "stop" : "record"), h("span", {}, text), h("kbd", {}, "R"));
    }
    target.textContent = gesture === null ? t("record.nothing")
      : gesture === BACKGROUND && !active ? t("record.idle.choose")
        : t("record.target", { gesture: shown(gesture) });
    target.dataset.hue = gesture === null ? "none" : store.hue(gesture);
    hint.textContent = active && gesture === BACKGROUND ? t("record.idle") : t(`record.how.${settings.how}.hint`);
  }

  update();
  return {
    element: h("section", { class: "record-panel card", "aria-label": t("record.start") },
      h("div", { class: "record-row" }, press, h("div", { class: "stack tight" }, target, how)), hint, options),
    update,
    focus: () => press.focus(),
  };
}

/** A slider with its value beside it. */
export function slider(label, min, max, step, value, changed, words) {
  const shownValue = h("output", {}, words(value));
  const input = h("input", { type: "range", min, max, step, value, "aria-valuetext": words(value), oninput: () => {
    shownValue.textContent = words(Number(input.value));
    input.setAttribute("aria-valuetext", shownValue.textContent);
  }, onchange: () => changed(Number(input.value)) });
  return h("label", { class: "slider" }, h("span", {}, label), input, shownValue);
}

/** A box to tick. */
export function check(label, checked, changed, hint) {
  const input = h("input", { type: "checkbox", checked, onchange: () => changed(input.checked) });
  return h("label", { class: "check" }, input, h("span", {}, label, hint && h("small", { class: "hint" }, hint)));
}
