// Texts in the language of the person. A language is one file in locales/: key → text, or for texts that
// count → {"one": …, "other": …} by the plural rules of the language. `{name}` in a text is filled in.

const FALLBACK = "en";
let texts = {};
let plurals = new Intl.PluralRules(FALLBACK);

/** The language that is spoken now. */
export let language = FALLBACK;

/** Chooses among the languages that the studio has: the one chosen before, else the browser's, else English. */
export function preferred(available) {
  const wishes = [localStorage.getItem("handflow.language"), ...navigator.languages];
  for (const wish of wishes) {
    const found = wish && available.find((code) => code === wish || code === wish.split("-")[0]);
    if (found) return found;
  }
  return FALLBACK;
}

/** Loads a language; everything that is drawn afterwards speaks it. */
export async function speak(code) {
  const answer = await fetch(`/static/locales/${encodeURIComponent(code)}.json`);
  if (!answer.ok) throw new Error(`no texts for ${code}`);
  texts = await answer.json();
  language = code;
  plurals = new Intl.PluralRules(code);
  document.documentElement.lang = code;
}

/** Whether there is a text for this key. */
export function has(key) {
  return key in texts;
}

/** The text of a key, with its placeholders filled in; `n` chooses between one and several. */
export function t(key, values = {}) {
  let text = texts[key];
  if (text === undefined) return key;
  if (typeof text === "object") text = text[plurals.select(values.n)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** A number as people of this language write it. */
export function number(value, digits = 0) {
  return new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits })
    .format(value);
}

/** A share from 0 to 1 in percent. */
export function percent(share) {
  return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 }).format(share);
}

/** A list of names: "a, b and c". */
export function listed(names) {
  return new Intl.ListFormat(language, { type: "conjunction" }).format(names);
}

/** A language's own name for itself. */
export function nameOf(code) {
  return new Intl.DisplayNames([code], { type: "language" }).of(code);
}

/** How long, in the words of a clock for minutes and in seconds below. */
export function duration(seconds) {
  if (seconds < 90) return t("time.seconds", { n: Math.max(1, Math.round(seconds)) });
  return t("time.minutes", { n: Math.round(seconds / 60) });
}
