// The article's program as a page: a view with landmarks, R records the next sequence, Q ends.

import { api, of } from "../api.js";
import { t } from "../i18n.js";
import { live } from "../live.js";
import { Recorder } from "../recorder.js";
import { stage } from "../stage.js";
import { store } from "../store.js";
import { attempt, button, field, forThePage, h } from "../ui.js";

export function page({ signal, go }) {
  const view = stage(signal);
  const recorder = new Recorder(view, signal);
  const names = h("datalist", { id: "gestures-known" });
  const name = h("input", { type: "text", maxlength: 80, autocomplete: "off", list: "gestures-known",
    value: store.meant[0]?.name ?? t("idea.wave") });
  const status = h("p", { class: "lead", role: "status" });
  const r = button(t("article.record"), { icon: "record", kind: "primary big", onclick: record });
  const q = button(t("article.quit"), { icon: "close", kind: "big", onclick: quit });

  async function record() {
    const wanted = name.value.trim();
    if (!wanted || recorder.active) return;
    const there = await attempt(async () => {
      if (store.meant.some((one) => one.name === wanted)) return;
      const made = await api("POST", of(store.slug, "gestures"), { name: wanted });
      await store.refresh();
      name.value = made.name;
    });
    if (!there) return;
    recorder.gesture = name.value.trim();
    recorder.settings = { ...recorder.settings, how: "key", takes: 1 };
    recorder.start();
  }

  function quit() {
    go(store.slug, "gestures");
  }

  function update() {
    names.replaceChildren(...store.meant.map((one) => h("option", { value: one.name })));
    const recorded = store.gestures.find((one) => one.name === name.value.trim())?.takes.length ?? 0;
    status.textContent = recorder.active ? t("article.recording", { n: recorded + 1 })
      : t("article.next", { n: recorded + 1 });
    r.disabled = !live.running || recorder.active;
  }

  name.addEventListener("input", update);
  recorder.addEventListener("change", update);
  live.addEventListener("take", update, { signal });
  document.addEventListener("keydown", (event) => {
    if (!forThePage(event)) return;
    if (event.key.toLowerCase() === "r") record();
    if (event.key.toLowerCase() === "q") quit();
  }, { signal });

  update();
  return {
    title: t("article.title"),
    live: true,
    element: h("div", { class: "article" },
      h("h1", {}, t("article.title")), h("p", { class: "hint" }, t("article.lead")),
      view.element,
      h("div", { class: "card stack" },
        h("div", { class: "row apart" }, field(t("gestures.name"), name), status), names,
        h("div", { class: "row" }, r, q))),
    update,
  };
}
