// Step 2: gestures, and takes of each.

import { api, of } from "../api.js";
import { t } from "../i18n.js";
import { live } from "../live.js";
import { Recorder } from "../recorder.js";
import { recordPanel } from "../record_panel.js";
import { stage } from "../stage.js";
import { BACKGROUND, store } from "../store.js";
import { reason, undo } from "../takes.js";
import { arrange, attempt, button, forThePage, h, keepFocus, say } from "../ui.js";
import { gestureCard } from "../gesture_card.js";

const IDEAS = ["wave", "swipe-left", "swipe-right", "circle", "thumbs-up", "push"];

export function page({ signal }) {
  const view = stage(signal);
  const recorder = new Recorder(view, signal);
  const panel = recordPanel(recorder);
  const cards = new Map();
  const list = h("div", { class: "gestures" });
  const ideas = h("div", { class: "ideas" });
  const name = h("input", { type: "text", maxlength: 80, autocomplete: "off", id: "new-gesture",
    placeholder: t("gestures.example"), "aria-label": t("gestures.name") });
  const add = h("form", { class: "row add", onsubmit: async (event) => {
    event.preventDefault();
    if (name.value.trim() && (await begin(name.value.trim()))) name.value = "";
  } }, name, button(t("gestures.add"), { icon: "plus", kind: "primary", type: "submit" }));

  function create(wish) {
    return attempt(async () => {
      const made = await api("POST", of(store.slug, "gestures"), { name: wish });
      await store.refresh();
      if (made.name !== BACKGROUND) choose(made.name);
    });
  }

  /** Adds a gesture; to record it is what comes next. */
  async function begin(wish) {
    const added = await create(wish);
    if (added) panel.focus();
    return added;
  }

  function choose(gesture) {
    if (recorder.active && recorder.gesture !== gesture) recorder.stop();
    recorder.gesture = gesture;
    update();
  }

  async function record(gesture) {
    choose(gesture);
    view.element.scrollIntoView({ block: "nearest" });
    recorder.start();
  }

  async function idle(seconds) {
    if (!store.gestures.some((one) => one.name === BACKGROUND) && !(await create(BACKGROUND))) return;
    view.element.scrollIntoView({ block: "nearest" });
    recorder.idle(seconds);
  }

  function update() {
    const gestures = [...store.meant, store.gestures.find((one) => one.name === BACKGROUND)
      ?? { name: BACKGROUND, takes: [], background: true }];
    if (!gestures.some((one) => one.name === recorder.gesture)) recorder.gesture = store.meant[0]?.name ?? null;
    const wanted = gestures.map((gesture) => {
      if (!cards.has(gesture.name)) {
        cards.set(gesture.name, gestureCard(gesture.name, { recorder, record, choose, idle }));
      }
      const card = cards.get(gesture.name);
      card.update(gesture);
      return card.element;
    });
    keepFocus(list, () => arrange(list, wanted));
    panel.update();
    const unused = IDEAS.map((key) => t(`idea.${key}`))
      .filter((idea) => !gestures.some((one) => one.name === idea));
    ideas.replaceChildren(h("span", { class: "hint" }, t("gestures.ideas")),
      ...unused.slice(0, 4).map((idea) => button(idea, { kind: "chip", onclick: () => begin(idea) })));
    ideas.hidden = store.meant.length > 1;
  }

  /** Says aloud what has come to speak against takes since the last time. */
  function tellDoubts() {
    const before = doubted;
    doubted = doubtsOf(store.gestures);
    for (const [key, words] of doubted) if (!before.has(key)) say(words);
  }

  let doubted = doubtsOf(store.gestures);
  recorder.addEventListener("change", update);
  let asking = 0;
  live.addEventListener("take", () => {
    clearTimeout(asking); // reasons for doubt depend on all takes: asked for once recording pauses
    asking = setTimeout(() => store.refresh().then(tellDoubts, () => {}), 700);
  }, { signal });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "r" && forThePage(event)) {
      event.preventDefault();
      recorder.press();
    } else if (event.key === "Escape" && recorder.active) {
      recorder.stop();
    } else if (event.key.toLowerCase() === "z" && !event.shiftKey && (event.ctrlKey || event.metaKey)) {
      if (event.target.closest("input, textarea")) return; // there it takes back what was typed
      event.preventDefault();
      undo();
    }
  }, { signal });

  return {
    title: t("step.gestures"),
    live: true,
    element: h("div", { class: "split" },
      h("div", { class: "stack sticky" }, view.element, panel.element),
      h("section", { class: "stack side", "aria-label": t("step.gestures") },
        h("div", { class: "row apart" },
          h("h1", {}, t("gestures.title")),
          button(t("undo"), { icon: "undo", kind: "quiet", onclick: () => undo() })),
        h("p", { class: "lead" }, t("gestures.lead")),
        add, ideas, list)),
    update,
  };
}

/** What speaks against takes, in words, by take and code. */
function doubtsOf(gestures) {
  return new Map(gestures.flatMap(({ takes }) => takes.flatMap(({ id, doubts }, place) => doubts.map((doubt) =>
    [`${id} ${doubt.code}`, t("take.doubt", { n: place + 1, reason: reason(doubt) })]))));
}
