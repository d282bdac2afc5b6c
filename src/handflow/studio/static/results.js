// What is known about a trained model, in words, and its confusions as a table.

import { of } from "./api.js";
import { listed, number, percent, t } from "./i18n.js";
import { icon } from "./icons.js";
import { BACKGROUND, store } from "./store.js";
import { openTake, shown } from "./takes.js";
import { thumb } from "./thumbs.js";
import { button, h } from "./ui.js";

/** Takes of a gesture below which more are asked for. */
export const FEW = 3;
const VERY_GOOD = 0.95;
const GOOD = 0.85;
const FEW_NAMES = 4; // at the head of a table, side by side
const TOLD = 5; // pieces of advice of a kind: more would hide what matters

/** How good a model is: very-good, good, poor, or unknown where nothing could be held back. */
function gradeOf({ accuracy }) {
  if (accuracy === null) return "unknown";
  return accuracy >= VERY_GOOD ? "very-good" : accuracy >= GOOD ? "good" : "poor";
}

function counted({ accuracy, right, tested }) {
  if (accuracy === null) return t("result.single");
  return right === null ? t("result.told", { n: tested }) : t("result.counted", { right, n: tested });
}

/** How good a model is, in a sentence or two. */
export function verdict(model) {
  return `${t(`result.${gradeOf(model)}`)}. ${counted(model)}`;
}

/** Everything there is to say about a model, for the train page. */
export function results(model, go) {
  const { accuracy, interval, right } = model;
  const report = { href: `/api/${of(store.slug, "model", "report.html")}`, target: "_blank", rel: "noopener" };
  return h("div", { class: "stack results" },
    h("section", { class: "card verdict", "aria-label": t("result.title"), data: { grade: gradeOf(model) } },
      h("p", { class: "figure" }, accuracy === null ? "–" : percent(accuracy)),
      h("div", { class: "stack tight" },
        h("h2", { tabindex: "-1" }, t(`result.${gradeOf(model)}`)),
        h("p", {}, counted(model)),
        interval && h("p", { class: "hint" },
          t("result.interval", { low: percent(interval[0]), high: percent(interval[1]) })))),
    advice(model, go),
    model.confusion && confusion(model.confusion),
    h("p", { class: "hint row" },
      right !== null && t("result.honest"), h("a", report, t("result.report"))));
}

function advice(model, go) {
  const pairs = model.pairs.slice(0, TOLD).map(({ gestures, chance }) => item("warning", alike(gestures, chance)));
  const misfits = model.misfits.slice(0, TOLD).map((misfit) => misfitItem(misfit, go));
  const thin = Object.keys(model.needs_more).map((name) => model.per_gesture.find((one) => one.gesture === name))
    .filter(Boolean).slice(0, TOLD).map(({ gesture, takes, tested, right }) =>
      item("info", takes < FEW || !tested
        ? t("advice.few", { gesture: shown(gesture), n: takes })
        : t(gesture === BACKGROUND ? "advice.weak.nothing" : "advice.weak",
          { gesture: shown(gesture), share: percent(right / tested) })));
  const idle = store.gestures.some((one) => one.name === BACKGROUND && one.takes.length) ? []
    : [item("info", t("advice.idle"))];
  const doubted = store.gestures.flatMap((one) => one.takes).filter((take) => take.doubts.length).length;
  const doubts = doubted && !misfits.length
    ? [item("warning", t("advice.doubts", { n: doubted }), look(go))] : [];
  const mixed = mixedUp(model).slice(0, TOLD).map(({ names: [first, second], takes }) =>
    item("warning", t("advice.mixed", { n: takes, first: shown(first), second: shown(second) })));
  const all = [...misfits, ...doubts, ...pairs, ...mixed, ...thin, ...idle];
  return h("section", { class: "card stack tight", "aria-label": t("advice.title") },
    h("h2", {}, t("advice.title")),
    all.length ? h("ul", { class: "advice" }, all)
      : h("p", { class: "row" }, icon("check"), t("advice.none")));
}

/** Two that look alike; nobody can make what is meant to be nothing different. */
function alike(gestures, chance) {
  const [first, second] = gestures;
  if (!gestures.includes(BACKGROUND)) {
    return t("advice.alike", { first: shown(first), second: shown(second), chance: percent(chance) });
  }
  const gesture = shown(first === BACKGROUND ? second : first);
  return t("advice.alike.nothing", { gesture, chance: percent(chance) });
}

/** Pairs of gestures of which takes of one were taken for the other, beside those that `pairs` tells of. */
function mixedUp({ pairs, confused }) {
  const key = (names) => JSON.stringify([...names].sort());
  const told = new Set(pairs.map(({ gestures }) => key(gestures)));
  const found = new Map();
  for (const { truth, answer, takes } of confused) {
    const names = [truth, answer];
    if (names.includes(BACKGROUND) || told.has(key(names))) continue;
    const one = found.get(key(names)) ?? { names, takes: 0 };
    found.set(key(names), { ...one, takes: one.takes + takes });
  }
  return [...found.values()].sort((a, b) => b.takes - a.takes);
}

function item(drawing, text, ...more) {
  return h("li", { data: { kind: drawing } }, icon(drawing), h("span", {}, text), more);
}

function misfitItem({ clip, label, looks_like: other, same_as: twin }, go) {
  const take = store.gestures.flatMap((one) => one.takes).find((one) => one.id === clip);
  const text = twin
    ? t("advice.twin", { gesture: shown(label), other: shown(other) })
    : t("advice.misfit", { gesture: shown(label), other: shown(other) });
  if (!take) return item("warning", text, look(go));
  return item("warning", text, h("span", { class: "take-small" }, thumb(store.slug, take)),
    button(t("advice.look"), { kind: "link", onclick: () => openTake(label, take, shown(label)) }));
}

function look(go) {
  return button(t("advice.look"), { kind: "link", onclick: () => go(store.slug, "gestures") });
}

function confusion(found) {
  // In the order of the other pages, what is meant to be nothing last.
  const known = store.gestures.map((one) => one.name);
  const order = found.labels.map((_, n) => n)
    .sort((n, m) => known.indexOf(found.labels[n]) - known.indexOf(found.labels[m]));
  const names = order.map((n) => shown(found.labels[n]));
  const matrix = order.map((n) => order.map((m) => found.matrix[n][m]));
  const rows = matrix.map((row, n) => {
    const all = row.reduce((sum, value) => sum + value, 0);
    return h("tr", {}, h("th", { scope: "row" }, h("span", {}, names[n])), row.map((value, m) => {
      const cell = h("td", { class: value ? (n === m ? "right" : "wrong") : "",
        title: t("confusion.cell", { truth: names[n], answer: names[m], n: value }) },
      value ? number(value) : h("span", { class: "for-ears" }, number(0)));
      cell.style.setProperty("--share", all ? value / all : 0);
      return cell;
    }));
  });
  const mixed = matrix.flatMap((row, n) => row.map((value, m) => [value, n, m]))
    .filter(([value, n, m]) => value && n !== m).sort((a, b) => b[0] - a[0]).slice(0, 3)
    .map(([value, n, m]) => t("confusion.pair", { n: value, truth: names[n], answer: names[m] }));
  return h("section", { class: "card stack tight", "aria-label": t("confusion.title") },
    h("h2", {}, t("confusion.title")),
    h("p", {}, mixed.length ? t("confusion.some", { pairs: listed(mixed) }) : t("confusion.never")),
    h("p", { class: "hint", "aria-hidden": "true" }, t("confusion.how")),
    h("ul", { class: "legend", "aria-hidden": "true" }, ["right", "wrong"].map((kind) =>
      h("li", {}, h("span", { class: `cell ${kind}` }), t(`confusion.${kind}`)))),
    h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": t("confusion.title") },
      h("table", { class: names.length > FEW_NAMES ? "confusion upright" : "confusion" },
        h("caption", { class: "for-ears" }, t("confusion.how")),
        h("thead", {}, h("tr", {}, h("td", {}), names.map((name) => h("th", { scope: "col" }, h("span", {}, name))))),
        h("tbody", {}, rows))));
}
