// What can be done with a take: look at it, move it to another gesture, delete it, and take any of that back.

import { api, of } from "./api.js";
import { has, number, t } from "./i18n.js";
import { icon } from "./icons.js";
import { BACKGROUND, store } from "./store.js";
import { forget, thumb } from "./thumbs.js";
import { attempt, button, dialog, field, h, say, select, toast } from "./ui.js";

/** A gesture's name as people read it. */
export function shown(name) {
  return name === BACKGROUND ? t("background.name") : name;
}

/** Why a take is doubtful, in the person's language where the code is known. */
export function reason(doubt) {
  const key = `doubt.${doubt.code}`;
  return has(key) ? t(key, { other: shown(doubt.other) }) : doubt.message;
}

/** Runs something that changes takes; says what came of it and offers to take it back. */
export async function change(run, told) {
  const { slug } = store; // the page may show another project when it is taken back
  const done = await attempt(async () => {
    await run();
    await store.refresh();
  });
  if (done && told) toast(told, { action: t("undo"), run: () => undo(slug) });
  return done;
}

/** Takes the last change of a project back. */
export async function undo(slug = store.slug) {
  if (await change(() => api("POST", of(slug, "undo"), {}))) say(t("undone"));
}

/** Deletes a take. */
export function remove(take) {
  return change(async () => {
    await api("DELETE", of(store.slug, "takes", take.id));
    forget(take.id);
  }, t("take.deleted"));
}

/** Moves a take to another gesture. */
export function move(id, gesture) {
  return change(
    () => api("PATCH", of(store.slug, "takes", id), { gesture }),
    t("take.moved", { gesture: shown(gesture) }),
  );
}

/** A take in a list. `again` records it anew. */
export function takeItem(gesture, take, place, again) {
  const reasons = take.doubts.map(reason);
  const name = t("take.name", { n: place, gesture: shown(gesture), seconds: number(take.seconds, 1) });
  const open = () => openTake(gesture, take, name, again);
  const element = h("li", { class: "take", draggable: true, data: { id: take.id } },
    h("button", {
      type: "button", class: "take-button", title: reasons.join("\n"),
      "aria-label": [name, ...reasons].join(". "), onclick: open,
      onkeydown: (event) => {
        if (!event.repeat && (event.key === "Delete" || event.key === "Backspace")) remove(take);
      },
    }, thumb(store.slug, take), h("span", { class: "take-seconds" }, t("seconds", { n: number(take.seconds, 1) })),
    reasons.length > 0 && h("span", { class: "take-doubt" }, icon("warning"))),
    button("", { icon: "close", kind: "bare take-delete", label: t("take.delete", { name }),
      onclick: () => remove(take) }));
  element.addEventListener("dragstart", (event) => {
    event.dataTransfer.setData("application/x-handflow-take", take.id);
    event.dataTransfer.effectAllowed = "move";
    element.classList.add("dragged");
  });
  element.addEventListener("dragend", () => element.classList.remove("dragged"));
  return element;
}

/** Lets takes be dropped on an element. */
export function acceptTakes(element, gesture) {
  const carries = (event) => event.dataTransfer.types.includes("application/x-handflow-take");
  element.addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    element.classList.add("drop");
  });
  element.addEventListener("dragleave", (event) => {
    if (!element.contains(event.relatedTarget)) element.classList.remove("drop");
  });
  element.addEventListener("drop", (event) => {
    element.classList.remove("drop");
    const id = event.dataTransfer.getData("application/x-handflow-take");
    if (!id) return;
    event.preventDefault();
    const already = store.gestures.find((one) => one.name === gesture)?.takes.some((one) => one.id === id);
    if (!already) move(id, gesture);
  });
}

/** Shows a take large, with what can be done about it. `again`, where there is a way to, records it anew. */
export function openTake(gesture, take, name, again) {
  return dialog(name, (close) => {
    const to = select(store.gestures.map((one) => [one.name, shown(one.name)]), gesture,
      (wish) => (go.disabled = wish === gesture), { id: "take-belongs" });
    const go = button(t("take.move"), { disabled: true, onclick: () => { close(); move(take.id, to.value); } });
    return h("div", { class: "stack" },
      h("div", { class: "take-large" }, thumb(store.slug, take)),
      take.doubts.length > 0 && h("ul", { class: "doubts" },
        take.doubts.map((doubt) => h("li", {}, icon("warning"), h("span", {}, reason(doubt))))),
      field(t("take.belongs"), to, t("take.belongs.hint"), h("div", { class: "row nowrap" }, to, go)),
      h("div", { class: "row end" },
        again && button(t("take.again"), { icon: "refresh", data: { first: "" }, onclick: async () => {
          close();
          if (await remove(take)) again(gesture);
        } }),
        button(t("take.delete.short"), { icon: "trash", kind: "danger", onclick: () => {
          close();
          remove(take);
        } })));
  });
}
