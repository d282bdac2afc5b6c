// Step 3: one button; what happens while it happens; then how good it is and what to do about it.

import { api, isThere, of } from "../api.js";
import { drawLoss } from "../charts.js";
import { duration, listed, t } from "../i18n.js";
import { icon } from "../icons.js";
import { FEW, results, verdict } from "../results.js";
import { store } from "../store.js";
import { shown } from "../takes.js";
import { attempt, button, h, keepFocus, say, segments, toast } from "../ui.js";

const KINDS = ["few-shot", "landmark", "auto"];
const OFTEN = 300; // ms between looks at a training

export function page({ signal, go }) {
  const ready = h("section", { class: "stack" });
  const running = h("section", { class: "card stack", hidden: true, "aria-label": t("train.running") });
  const outcome = h("div", { class: "stack" });
  const bar = h("progress", { max: 1 });
  const status = h("p", { class: "hint", role: "status" });
  const loss = h("canvas", { class: "loss", role: "img", "aria-label": t("train.loss"), hidden: true });
  const lossText = h("p", { class: "hint", hidden: true }, t("train.loss.hint"));
  const stop = button(t("train.cancel"), { icon: "close", onclick: cancel });
  const spinner = h("span", { class: "spinner", "aria-hidden": "true" });
  running.append(h("h2", { class: "row" }, spinner, t("train.running")), bar, status, loss, lossText,
    h("div", { class: "row" }, stop,
      h("span", { class: "hint" }, t("train.cancel.hint"))));
  let kind = "few-shot";
  let training = null;
  let timer = 0;

  function start() {
    return attempt(async () => {
      training = await api("POST", of(store.slug, "train"), { kind });
      show();
      stop.focus();
      look();
    });
  }

  function cancel() {
    stop.disabled = true; // it ends by itself soon; `look` will see it
    return attempt(() => api("DELETE", of(store.slug, "train")));
  }

  async function look() {
    clearTimeout(timer);
    if (signal.aborted) return;
    const before = training?.state;
    try {
      training = await api("GET", of(store.slug, "train"));
    } catch {
      // The banner says that nobody answers; the training goes on, and is found again.
      if (!signal.aborted) timer = setTimeout(look, isThere() ? OFTEN : 4 * OFTEN);
      return;
    }
    if (signal.aborted) return;
    show();
    if (training?.state === "running") timer = setTimeout(look, OFTEN);
    else if (before === "running") ended();
  }

  async function ended() {
    if (training.state === "done") {
      await store.refresh();
      say([t("train.done"), verdict(store.project.model)].join(" "));
    } else if (training.state === "cancelled") toast(t("train.cancelled"));
    update();
    const next = training.state === "done" ? outcome.querySelector("h2") : ready.querySelector("button");
    const { activeElement: here } = document;
    if (here === document.body || running.contains(here)) next?.focus({ preventScroll: true });
  }

  function show() {
    const on = training?.state === "running";
    running.hidden = !on;
    ready.hidden = on;
    outcome.hidden = on;
    if (!on) return;
    const { progress, epoch, loss: points, seconds_left: left } = training;
    if (progress === null) bar.removeAttribute("value");
    else bar.value = progress;
    const phase = training.phase || "starting";
    const words = [training.cancelling ? t("train.cancelling") : t(`train.phase.${phase}`),
      epoch ? t("train.epoch", { n: epoch }) : "", left === null ? "" : t("train.left", { time: duration(left) }),
    ].filter(Boolean).join(" · ");
    stop.disabled = training.cancelling;
    if (status.textContent !== words) status.textContent = words;
    loss.hidden = lossText.hidden = points.length < 2;
    if (!loss.hidden) drawLoss(loss, points);
  }

  function update() {
    const { model, model_problem: damaged } = store.project ?? {};
    const possible = store.state.kinds;
    const lacks = missing();
    const go_ = button(t(model ? "train.again" : "train.start"), { icon: "learn",
      kind: !model || stale() ? "primary big" : "big", onclick: start, disabled: lacks !== null });
    const thin = store.meant.filter((one) => one.takes.length > 0 && one.takes.length < FEW)
      .map((one) => t("quoted", { name: shown(one.name) }));
    const ways = KINDS.map((one) => [one, t(`train.kind.${one}`), "", possible[one]]);
    keepFocus(ready, () => ready.replaceChildren(
      h("div", { class: "card stack train-card" },
        h("ul", { class: "chips" }, store.gestures.map((one) =>
          h("li", { class: "chip", data: { hue: store.hue(one.name) } }, h("i", { class: "hue" }),
            `${shown(one.name)} · ${one.takes.length}`))),
        lacks ? h("div", { class: "row" }, icon("info"), h("span", {}, lacks),
          button(t("step.gestures"), { icon: "hand", onclick: () => go(store.slug, "gestures") }))
          : thin.length > 0
            && h("p", { class: "hint" }, t("train.thin", { n: thin.length, names: listed(thin) })),
        go_,
        h("details", { class: "options" }, h("summary", {}, t("train.kind")),
          segments(t("train.kind"), ways, kind, (chosen) => {
            kind = chosen;
            hint.textContent = t(`train.kind.${kind}.hint`);
          }), hint, !Object.values(possible).every(Boolean) && h("p", { class: "hint" }, t("train.kind.lacking")))),
      training?.state === "failed"
        ? h("p", { class: "warn", role: "alert" }, icon("warning"), t("train.failed", { reason: training.message }))
        : stale() ? h("p", { class: "warn" }, icon("warning"), t("train.stale")) : "",
      damaged ? h("p", { class: "warn", role: "alert" }, icon("warning"),
        t("train.model-problem", { reason: damaged })) : ""));
    outcome.replaceChildren(...(model ? [results(model, go)] : []));
    show();
  }

  const hint = h("p", { class: "hint" }, t(`train.kind.${kind}.hint`));

  training = store.project?.training ?? null;
  update();
  if (training?.state === "running") look();
  signal.addEventListener("abort", () => clearTimeout(timer));
  return {
    title: t("step.train"),
    element: h("div", { class: "column" },
      h("h1", {}, t("train.title")), h("p", { class: "lead" }, t("train.lead")), ready, running, outcome),
    update,
  };
}

/** What has to be there before anything can be taught, in words; null: nothing is missing. */
function missing() {
  const named = store.meant;
  if (!named.length) return t("train.no-gestures");
  if (!named.some((one) => one.takes.length)) return t("train.no-takes");
  const empty = named.find((one) => !one.takes.length);
  return empty ? t("train.empty", { gesture: empty.name }) : null;
}

/** Whether takes have changed since the model was taught. */
export function stale() {
  return Boolean(store.project?.model?.outdated);
}
