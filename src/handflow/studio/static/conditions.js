// Whether picture, frame rate, light and hand are good enough, in words with what to do.

import { number, t } from "./i18n.js";
import { live } from "./live.js";

const SLOW = 18; // pictures a second below which motions blur and gestures are missed
const LOOKED_AT = 12; // looked at in a second, below which the computer is too slow
const DARK = 0.22; // mean brightness
const BRIGHT = 0.86;

/** The four conditions: [name, "good" | "poor" | "unknown", text, the text in short where there is one]. */
export function conditions() {
  return [
    picture(),
    rate(),
    light(),
    hand(),
  ];
}

/** What should be better, at most one thing, in a few words: the one to do first. */
export function warning() {
  if (!live.running) return null;
  const poor = [rate(), light()].find(([, state]) => state === "poor");
  return poor ? poor[3] ?? poor[2] : null;
}

function picture() {
  if (!live.running) return ["picture", "unknown", t("check.picture.unknown")];
  return ["picture", "good", t("check.picture.good")];
}

function rate() {
  const camera = live.measured.cameraRate;
  const answered = live.measured.answeredRate;
  if (!live.running || camera === null) return ["rate", "unknown", t("check.rate.unknown")];
  const values = { fps: number(camera) };
  if (camera < SLOW) {
    const dark = (live.seen?.light ?? 1) < 2 * DARK;
    const which = dark ? "dark" : "slow";
    return ["rate", "poor", t(`check.rate.${which}`, values), t(`warn.rate.${which}`, values)];
  }
  if (answered !== null && answered < LOOKED_AT) {
    const few = { fps: number(answered) };
    return ["rate", "poor", t("check.rate.busy", few), t("warn.rate.busy", few)];
  }
  return ["rate", "good", t("check.rate.good", values)];
}

function light() {
  const value = live.seen?.light;
  if (value === undefined || value === null) return ["light", "unknown", t("check.light.unknown")];
  if (value < DARK) return ["light", "poor", t("check.light.dark")];
  if (value > BRIGHT) return ["light", "poor", t("check.light.bright")];
  return ["light", "good", t("check.light.good")];
}

function hand() {
  const count = live.seen?.hands.length ?? 0;
  if (!count) return ["hand", "unknown", t("check.hand.unknown")];
  return ["hand", "good", t("check.hand.good", { n: count })];
}
