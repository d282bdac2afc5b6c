// A gesture with its takes: a card that is a target for takes and for the recorder.

import { api, of } from "./api.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { live } from "./live.js";
import { BACKGROUND, store } from "./store.js";
import { acceptTakes, change, reason, shown, takeItem } from "./takes.js";
import { arrange, ask, button, confirm, h, keepFocus } from "./ui.js";

const GOOD = 5; // takes of a gesture that are enough for a good start
const IDLE = [30, 60, 180]; // seconds offered for hands that do nothing

/** The card of a gesture: {element, update(gesture)}. */
export function gestureCard(name, { recorder, record, choose, idle }) {
  const nothing = name === BACKGROUND;
  const items = new Map(); // take id → [signature, element]
  const takes = h("ul", { class: "takes" });
  const doubts = h("ul", { class: "doubts", hidden: true });
  const empty = h("p", { class: "hint" });
  const count = h("span", { class: "hint" });
  const dots = h("span", { class: "dots", "aria-hidden": "true" });
  const begin = nothing ? [] : [button(t("record.start"), { icon: "record", kind: "record-small",
    label: t("gestures.record", { gesture: shown(name) }), onclick: () => record(name) })];
  const idling = nothing
    ? IDLE.map((seconds) => button(t("record.idle.for", { n: seconds }), { kind: "chip", data: { seconds },
      onclick: () => idle(seconds) }))
    : [];
  const more = nothing ? [] : [
    button("", { icon: "pencil", kind: "bare", label: t("gestures.rename", { gesture: name }), onclick: rename }),
    button("", { icon: "trash", kind: "bare", label: t("gestures.delete", { gesture: name }), onclick: drop }),
  ];
  const heading = h("h2", {}, nothing ? icon("rest") : h("i", { class: "hue" }), shown(name));
  const element = h("article", { class: nothing ? "card gesture nothing" : "card gesture", data: { gesture: name },
    "aria-label": shown(name) },
  h("header", {}, h("div", { class: "card-head" }, heading, h("div", { class: "row" }, dots, count)),
    h("span", { class: "card-buttons" }, begin, more)),
  nothing && h("p", { class: "hint" }, t("background.text")),
  nothing && h("div", { class: "row" }, icon("record"), h("span", { class: "hint" }, t("background.record")),
    idling),
  empty, takes, doubts);
  heading.addEventListener("click", () => choose(name));
  acceptTakes(element, name);

  async function rename() {
    const wish = await ask(t("gestures.rename", { gesture: name }), t("gestures.name"), name, t("save"));
    if (!wish || wish === name) return;
    const renamed = await change(() => api("PATCH", of(store.slug, "gestures", name), { name: wish }));
    if (renamed) choose(wish);
  }

  async function drop() {
    const n = items.size;
    const title = t("gestures.delete", { gesture: name });
    if (n && !(await confirm(title, t("gestures.delete.text", { n }), t("delete")))) return;
    const told = n ? t("gestures.deleted", { gesture: name }) : ""; // one without takes is not brought back
    change(() => api("DELETE", of(store.slug, "gestures", name)), told);
  }

  function update(gesture) {
    const { active } = recorder;
    element.dataset.hue = store.hue(name);
    element.classList.toggle("chosen", recorder.gesture === name);
    element.classList.toggle("recording", active && recorder.gesture === name);
    for (const one of [...begin, ...idling]) one.disabled = active || !live.running;
    const n = gesture.takes.length;
    count.textContent = n ? t("takes", { n }) : "";
    const dot = (_, k) => h("i", { class: k < n ? "full" : "" });
    dots.replaceChildren(...(nothing ? [] : Array.from({ length: GOOD }, dot)));
    empty.hidden = n > 0;
    empty.textContent = nothing ? "" : t("gestures.empty", { n: GOOD });
    const wanted = gesture.takes.map((take, place) => {
      const signature = JSON.stringify([place, take.doubts]);
      if (items.get(take.id)?.[0] !== signature) {
        items.set(take.id, [signature, takeItem(name, take, place + 1, again)]);
      }
      return items.get(take.id)[1];
    });
    for (const id of items.keys()) if (!gesture.takes.some((one) => one.id === id)) items.delete(id);
    keepFocus(takes, () => arrange(takes, wanted));
    const doubtful = gesture.takes.flatMap((take, place) =>
      take.doubts.map((doubt) => h("li", {}, icon("warning"),
        h("span", {}, t("take.doubt", { n: place + 1, reason: reason(doubt) })))));
    doubts.replaceChildren(...doubtful);
    doubts.hidden = !doubtful.length;
  }

  function again(gesture) {
    if (gesture === BACKGROUND) idle(IDLE[0]);
    else record(gesture);
  }

  return { element, update };
}
