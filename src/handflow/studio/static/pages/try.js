// Step 4: gestures live, and what to do where it errs.

import { api, of } from "../api.js";
import { Timeline } from "../charts.js";
import { number, percent, t } from "../i18n.js";
import { icon } from "../icons.js";
import { live } from "../live.js";
import { kept } from "../recorder.js";
import { stage } from "../stage.js";
import { BACKGROUND, store } from "../store.js";
import { shown } from "../takes.js";
import { attempt, button, h, say, select, toast } from "../ui.js";
import { stale } from "./train.js";

const KEPT = 8; // events in the list
const SMALLEST = 0.02; // change of a score that is drawn

export function page({ signal, go, reached }) {
  if (!store.project?.model) return without(go);
  const view = stage(signal);
  const bars = new Map();
  const board = h("div", { class: "bars" });
  const canvas = h("canvas", { class: "timeline", role: "img", "aria-label": t("try.timeline") });
  const timeline = new Timeline(canvas, (name) => store.hue(name));
  const list = h("ol", { class: "events", "aria-label": t("try.events") });
  const none = h("p", { class: "hint" }, t("try.no-events"));
  const latency = h("p", { class: "hint" });
  const legend = h("ul", { class: "legend" });
  const news = h("div", { class: "row news", hidden: true });
  let lessons = 0;
  let tries = false; // whether the server does

  live.mode = { type: "try", acting: "off", keep_frames: kept().pictures };
  signal.addEventListener("abort", () => (live.mode = { type: "look" }));

  live.addEventListener("seen", ({ detail }) => {
    if (!detail.scores) return;
    timeline.add(detail.t, detail.scores);
    for (const [name, bar] of bars) bar.score(detail.scores[name] ?? 0);
  }, { signal });
  live.addEventListener("event", ({ detail }) => happened(detail), { signal });
  live.addEventListener("take", ({ detail }) => learned(detail), { signal });
  live.addEventListener("mode", ({ detail }) => modeChanged(detail.mode), { signal });
  live.addEventListener("change", () => (tries &&= live.link.ready), { signal });

  /** The server counts events anew when it begins to try; where it had to stop, it is asked to begin again. */
  function modeChanged(mode) {
    if (mode === "try") for (const one of list.querySelectorAll("button")) one.ariaDisabled = "true";
    else if (tries) live.mode = live.mode;
    tries = mode === "try";
  }

  /** Tells the server; whether it heard. */
  function tell(message) {
    const heard = live.send(message);
    if (!heard) toast(t("gone.title"), { kind: "bad" });
    return heard;
  }

  function happened(event) {
    reached("try");
    const hue = store.hue(event.gesture);
    view.shout(shown(event.gesture), hue);
    timeline.flag(event.t, shown(event.gesture), hue);
    bars.get(event.gesture)?.flash();
    say(t("try.happened", { gesture: shown(event.gesture) }));
    latency.textContent = latencyText(event);
    const item = h("li", { data: { hue, id: event.id } }, h("i", { class: "hue" }),
      h("strong", {}, shown(event.gesture)), h("span", { class: "hint" }, percent(event.score)),
      h("span", { class: "spring" }),
      button(t("try.wrong"), { kind: "quiet", label: t("try.wrong.label", { gesture: shown(event.gesture) }),
        onclick: ({ currentTarget: told }) => {
          if (told.ariaDisabled) return; // not `disabled`: that would lose the focus
          if (tell({ type: "wrong", event: event.id })) told.ariaDisabled = "true";
        } }));
    list.prepend(item);
    while (list.children.length > KEPT) list.lastChild.remove();
    none.hidden = true;
  }

  function learned({ gesture }) {
    lessons += 1;
    toast(gesture === BACKGROUND ? t("try.noted.wrong") : t("try.noted.missed", { gesture: shown(gesture) }));
    store.refresh().catch(() => {});
    tellNews();
  }

  function tellNews() {
    news.hidden = !lessons && !stale();
    const told = lessons ? t("try.lessons", { n: lessons }) : t("train.stale");
    news.replaceChildren(icon("learn"), h("span", {}, told),
      button(t("train.again"), { kind: "primary", onclick: () => go(store.slug, "train") }));
  }

  const taught = new Set(store.project.model.labels);
  const gestures = [...store.meant.map((one) => one.name).filter((name) => taught.delete(name)), ...taught];
  let missed = gestures[0];
  for (const name of gestures) {
    const bar = scoreBar(name);
    bars.set(name, bar);
    board.append(bar.element);
    legend.append(h("li", { data: { hue: store.hue(name) } }, h("i", {}), shown(name)));
  }
  tellNews();

  return {
    title: t("step.try"),
    live: true,
    element: h("div", { class: "split trying" },
      view.element,
      h("section", { class: "stack side", "aria-label": t("try.scores") },
        h("h1", {}, t("try.title")), h("p", { class: "lead" }, t("try.lead")), news, board,
        h("section", { class: "card stack", "aria-label": t("try.missed") },
          h("h2", {}, t("try.missed")), h("p", { class: "hint" }, t("try.missed.hint")),
          h("div", { class: "row" },
            select(gestures.map((name) => [name, shown(name)]), missed, (name) => (missed = name),
              { "aria-label": t("try.missed.which") }),
            button(t("try.missed.button"), { icon: "plus",
              onclick: () => tell({ type: "missed", gesture: missed }) })))),
      h("section", { class: "card stack tight time", "aria-label": t("try.last") },
        h("div", { class: "row apart" }, h("h2", {}, t("try.last")), legend), canvas, latency),
      h("section", { class: "card stack tight", "aria-label": t("try.events") },
        h("h2", {}, t("try.events")), none, list)),
    update: tellNews,
  };
}

/** How long after the end of the gesture it was answered; of those decided early there is no end. */
function latencyText({ after }) {
  const trip = live.measured.roundTrip;
  if (after === null || trip === null) return "";
  return t("try.latency", { ms: number(Math.max(0, after) + trip.p50) });
}

/** A gesture's score with the slider of its sensitivity. */
function scoreBar(name) {
  const fill = h("i");
  const value = h("span", { class: "score-value" });
  const track = h("div", { class: "track" }, fill);
  const given = store.project.model.sensitivity[name] ?? 0;
  const input = h("input", { type: "range", min: -1, max: 1, step: 0.1, value: given, oninput: words,
    onchange: () => attempt(async () => {
      await api("PUT", of(store.slug, "sensitivity"), { [name]: Number(input.value) });
      store.project.model.sensitivity[name] = Number(input.value);
    }) });
  const told = h("output", {});
  const element = h("div", { class: "score", data: { hue: store.hue(name), gesture: name } },
    h("div", { class: "score-name" }, h("strong", {}, shown(name)), value), track,
    h("label", { class: "slider" }, h("span", {}, t("try.sensitivity")), input, told));
  let drawn = -1;

  function words() {
    const at = Number(input.value);
    told.textContent = t(at < -0.05 ? "try.stricter" : at > 0.05 ? "try.easier" : "try.usual");
    input.setAttribute("aria-valuetext", told.textContent);
  }

  words();
  return {
    element,
    score(score) {
      if (Math.abs(score - drawn) < SMALLEST) return;
      drawn = score;
      fill.style.transform = `scaleX(${score})`;
      value.textContent = percent(score);
    },
    flash() {
      element.classList.remove("flash");
      requestAnimationFrame(() => element.classList.add("flash"));
    },
  };
}

function without(go) {
  return {
    title: t("step.try"),
    element: h("div", { class: "column" }, h("h1", {}, t("try.title")),
      h("div", { class: "card stack" }, h("p", {}, t("try.no-model")),
        button(t("step.train"), { icon: "learn", kind: "primary", onclick: () => go(store.slug, "train") }))),
  };
}
