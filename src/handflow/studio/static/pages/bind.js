// Step 5: what gestures do. Rehearsed or in earnest, with the camera beside.

import { api, of } from "../api.js";
import { ACTIONS, known, opened } from "../actions.js";
import { editBinding } from "../binding_editor.js";
import { describe } from "../describe.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { live } from "../live.js";
import { kept } from "../recorder.js";
import { stage } from "../stage.js";
import { store } from "../store.js";
import { shown } from "../takes.js";
import { attempt, button, h, keepFocus, say, segments, toast } from "../ui.js";

const KEPT = 12; // lines of the log

export function page({ signal, go }) {
  const view = stage(signal, { bar: false });
  const list = h("ul", { class: "bindings" });
  const none = h("div", { class: "card stack" }, h("p", {}, t("bind.no-gestures")),
    button(t("step.gestures"), { icon: "hand", kind: "primary", onclick: () => go(store.slug, "gestures") }));
  const problems = h("ul", { class: "advice" });
  const log = h("ol", { class: "log", "aria-label": t("bind.log") });
  const quiet = h("p", { class: "hint" }, t("bind.log.empty"));
  const text = h("textarea", { class: "toml", rows: 14, spellcheck: "false", "aria-label": t("bind.toml") });
  const wrong = h("p", { class: "warn", role: "alert", hidden: true });
  const model = store.project?.model;
  const actingHint = h("p", { class: "hint" });
  const ways = ["off", "dry", "armed"].map((one) => [one, t(`acting.${one}`)]);
  const acting = segments(t("bind.acting"), ways, "off", act);
  let asked = "off";

  function act(how) {
    asked = how;
    tell(how);
    live.mode = { type: "try", acting: how, keep_frames: kept().pictures };
  }

  function tell(how) {
    acting.querySelector(`[value=${how}]`).checked = true;
    actingHint.textContent = t(`acting.${how}.hint`);
    view.frame(how === "armed" ? "armed" : "");
  }

  if (model) {
    act("off");
    signal.addEventListener("abort", () => (live.mode = { type: "look" }));
  }
  live.addEventListener("event", ({ detail }) => {
    view.shout(shown(detail.gesture), store.hue(detail.gesture));
  }, { signal });
  live.addEventListener("change", () => {
    if (!live.link.ready) tell("off");
    if (asked === "armed" && live.mode.acting === "dry") toast(t("acting.back"));
    asked = live.mode.acting;
  }, { signal });
  // What is done may be less than what was asked for; that nothing is done is said by the mode alone.
  live.addEventListener("mode", ({ detail }) => {
    if (detail.mode !== "try" || live.mode.acting === "off") tell("off");
  }, { signal });
  live.addEventListener("armed", ({ detail: { acting: how } }) => {
    tell(how);
    if (how === "off") live.remember({ ...live.mode, acting: how });
  }, { signal });
  live.addEventListener("did", ({ detail }) => noted(detail), { signal });
  live.addEventListener("layer", ({ detail }) => line(t("bind.mode", { mode: detail.layer }), "mode"), { signal });

  function noted({ gesture, action, outcome, why }) {
    const kind = outcome.replace(" ", "-");
    const words = t(`outcome.${kind}`, { gesture: shown(gesture), action, why });
    line(words, kind);
    say(words);
  }

  function line(words, kind) {
    log.prepend(h("li", { data: { kind } }, words));
    while (log.children.length > KEPT) log.lastChild.remove();
    quiet.hidden = true;
  }

  function changed(run) {
    return attempt(async () => {
      await run();
      await store.refresh();
    });
  }

  async function saveText() {
    wrong.hidden = true;
    try {
      await api("PUT", of(store.slug, "bindings.toml"), { text: text.value });
      await store.refresh();
      toast(t("bind.saved"));
    } catch (error) {
      wrong.replaceChildren(icon("warning"), h("span", {}, error.message));
      wrong.hidden = false;
    }
  }

  async function edit(given) {
    if (await editBinding(store.project.bindings.kinds, given)) {
      await attempt(async () => {
        await store.refresh();
        toast(t("bind.saved"));
      });
    }
  }

  async function test(gesture) {
    await attempt(async () => {
      for (const outcome of await api("POST", of(store.slug, "bindings", "test"), { gesture })) noted(outcome);
    });
  }

  function row(gesture, binding, place) {
    if (!binding) {
      return h("li", { class: "card binding unbound", data: { hue: store.hue(gesture) } },
        h("div", { class: "card-head" }, h("h2", {}, h("i", { class: "hue" }), shown(gesture)),
          h("p", { class: "hint" }, t("bind.nothing"))),
        button(t("bind.choose"), { icon: "plus", kind: "soft", onclick: () => edit({ gesture }) }));
    }
    const locked = binding.do.some((action) => store.project.bindings.kinds[opened(action)[0]]?.allowed === false);
    return h("li", { class: "card binding", data: { hue: store.hue(gesture), enabled: binding.enabled ?? true } },
      h("div", { class: "card-head" }, h("h2", {}, h("i", { class: "hue" }), shown(gesture)),
        h("ul", { class: "does" }, binding.do.map((action) =>
          h("li", {}, icon(known(action) ? ACTIONS[opened(action)[0]].icon : "code"),
            h("span", {}, describe(action))))),
        binding.enabled === false && h("p", { class: "hint" }, t("bind.disabled")),
        locked && h("p", { class: "hint" }, t("bind.locked"))),
      !locked && h("span", { class: "card-buttons" },
        button(t("bind.test"), { icon: "play", kind: "quiet",
          label: t("bind.test.label", { gesture: shown(gesture) }), onclick: () => test(gesture) }),
        binding.do.every(known) && button("", { icon: "pencil", kind: "bare",
          label: t("bind.edit", { gesture: shown(gesture) }), onclick: () => edit({ binding, number: place }) }),
        button("", { icon: "trash", kind: "bare", label: t("bind.delete", { gesture: shown(gesture) }),
          onclick: () => changed(() => api("DELETE", of(store.slug, "bindings", place))) })));
  }

  let drawn = "";
  function update() {
    const { bindings = [], problems: told = [], text: written = "" } = store.project?.bindings ?? {};
    const signature = JSON.stringify([bindings, told, written, store.meant.map((one) => one.name)]);
    if (signature === drawn) return;
    drawn = signature;
    const names = [...new Set([...store.meant.map((one) => one.name), ...bindings.map((one) => one.gesture)])];
    const rows = names.flatMap((name) => {
      const own = bindings.map((one, place) => [one, place]).filter(([one]) => one.gesture === name);
      return own.length ? own.map(([one, place]) => row(name, one, place)) : [row(name)];
    });
    keepFocus(list, () => list.replaceChildren(...rows));
    none.hidden = names.length > 0;
    problems.replaceChildren(...told.map((one) =>
      h("li", { class: "warn" }, icon("warning"), h("span", {}, one))));
    problems.hidden = !told.length;
    text.value = written;
  }

  update();
  const raw = h("details", { class: "card options" }, h("summary", {}, t("bind.toml")),
    h("div", { class: "stack" }, h("p", { class: "hint" }, t("bind.toml.hint")), text, wrong,
      h("div", { class: "row end" }, button(t("save"), { kind: "primary", onclick: saveText }))));
  return {
    title: t("step.bind"),
    live: Boolean(model),
    element: h("div", { class: "split reversed" },
      h("section", { class: "stack side", "aria-label": t("step.bind") },
        h("h1", {}, t("bind.title")), h("p", { class: "lead" }, t("bind.lead")), none, list, problems, raw),
      h("section", { class: "stack sticky", "aria-label": t("bind.acting") },
        model ? [h("div", { class: "card stack" }, h("h2", {}, t("bind.acting")), acting, actingHint), view.element]
          : h("div", { class: "card stack" }, h("p", {}, t("bind.no-model")),
            button(t("step.train"), { icon: "learn", kind: "primary", onclick: () => go(store.slug, "train") })),
        h("div", { class: "card stack" }, h("h2", {}, t("bind.log")), quiet, log))),
    update,
  };
}
