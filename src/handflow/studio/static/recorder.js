// Recording as the page sees it: what is asked of the server's recorder, and what it says on the picture.

import { has, t } from "./i18n.js";
import { live } from "./live.js";
import { tone } from "./sounds.js";
import { BACKGROUND } from "./store.js";
import { shown } from "./takes.js";
import { say } from "./ui.js";

const KEPT = "handflow.recording";
const SAID = new Set(["waiting", "countdown", "ready", "recording"]); // phases that are told to those who do not see them
const BUSY = new Set(["countdown", "recording"]);

/** Ways of recording. */
export const HOW = ["key", "countdown", "hands-free"];

/** How people want to record, as they left it. */
export function kept() {
  const usual = { how: "countdown", seconds: 1.5, takes: 5, pictures: true };
  return { ...usual, ...JSON.parse(localStorage.getItem(KEPT) ?? "{}") };
}

/** Asks for takes and shows on a stage what becomes of them. "change" tells of begin and end.
 *
 * how: key (at once) · countdown · hands-free; `background` minutes are begun by `idle`.
 */
export class Recorder extends EventTarget {
  settings = kept();
  gesture = null;

  #view;
  #phase = "idle";
  #left = null; // takes that are still wanted

  constructor(view, signal) {
    super();
    this.#view = view;
    live.addEventListener("seen", ({ detail }) => this.#seen(detail), { signal });
    live.addEventListener("take", ({ detail }) => this.#taken(detail), { signal });
    live.addEventListener("rejected", ({ detail }) => this.#rejected(detail), { signal });
    live.addEventListener("change", () => this.#connected(), { signal });
    signal.addEventListener("abort", () => this.active && this.stop());
  }

  /** Changes settings and remembers them. */
  set(changes) {
    Object.assign(this.settings, changes);
    localStorage.setItem(KEPT, JSON.stringify(this.settings));
    this.#tell();
  }

  /** Whether the server records, or waits for what it shall record. */
  get active() {
    return live.mode.type === "record";
  }

  /** Begins to record the chosen gesture, or ends what is under way: one key for both. */
  press() {
    if (this.active) this.stop();
    else this.start();
  }

  /** Begins to record the chosen gesture. */
  start() {
    if (!this.gesture || !live.running) return;
    const { how, seconds, takes, pictures } = this.settings;
    this.#left = how === "key" ? 1 : takes;
    const length = how === "hands-free" ? {} : { seconds }; // hands-free, a take ends when the hand rests
    live.mode = this.#order(how, { ...length, takes: this.#left, keep_frames: pictures });
    if (how === "key") live.send({ type: "trigger" });
    this.#tell();
  }

  /** Records hands that do nothing meant, for so many seconds. */
  idle(seconds) {
    if (!live.running) return;
    this.#before = this.gesture;
    this.gesture = BACKGROUND;
    this.#left = null;
    live.mode = this.#order("background", { seconds, keep_frames: this.settings.pictures });
    this.#tell();
  }

  /** Ends; a take that is not complete is dropped. */
  stop() {
    live.send({ type: "stop" });
    this.#end();
  }

  #order(how, more) {
    return { type: "record", gesture: this.gesture, how, ...more };
  }

  #before = null; // the gesture that was chosen before idle hands were recorded

  #end() {
    if (live.mode.how === "background") this.gesture = this.#before;
    live.mode = { type: "look" };
    this.#phase = "idle";
    this.#view.count(0);
    this.#view.progress(null);
    this.#view.frame("");
    this.#view.note("");
    this.#tell();
  }

  #seen({ recorder, hands }) {
    if (!this.active) return;
    if (!recorder) {
      if (this.#phase !== "idle") this.#end(); // it had to give up, and has said why
      return;
    }
    const { phase, count, progress } = recorder;
    this.#view.count(phase === "countdown" ? count : 0);
    this.#view.progress(phase === "recording" ? progress : null);
    this.#view.frame(BUSY.has(phase) || phase === "ready" || phase === "saved" ? phase : "");
    this.#view.note(this.#words(phase, hands.length > 0, recorder), phase);
    if (phase === "countdown" && this.#counted !== count) tone("tick");
    this.#counted = phase === "countdown" ? count : null;
    if (phase !== this.#phase) this.#entered(phase, hands.length > 0, recorder);
  }

  #counted = null;

  #entered(phase, seesHand, recorder) {
    this.#phase = phase;
    if (phase === "recording") tone("start");
    const started = phase === "recording" && live.mode.how === "hands-free"; // "ready" has said it already
    if (SAID.has(phase) && !started) say(this.#words(phase, seesHand, recorder));
    if (phase === "done") {
      say(t("record.done"));
      this.#end();
      this.#view.note(t("record.done"), "saved");
      setTimeout(() => this.active || this.#view.note(""), 2000);
    }
  }

  #words(phase, seesHand, recorder) {
    const gesture = shown(this.gesture);
    const place = recorder.wanted > 1 ? t("record.place", { n: recorder.takes + 1, of: recorder.wanted }) : "";
    const values = { gesture: `${gesture} ${place}`.trim() };
    if (live.mode.how === "background" && phase === "recording") return t("record.idle");
    if (phase === "waiting" && live.mode.how === "hands-free") {
      return t(seesHand ? "record.hold-still" : "record.show-hand");
    }
    if (live.mode.how === "background" && phase === "countdown") return t("record.idle.soon");
    if (phase === "rejected") return this.#why;
    if (phase === "saved") return t("record.saved");
    if (phase === "ready") return t("record.ready", values);
    if (phase === "recording") return t("record.now", values);
    return phase === "countdown" ? t("record.soon", values) : "";
  }

  #why = "";

  #taken() {
    tone("saved");
    if (this.#left !== null && live.mode.takes) {
      this.#left -= 1;
      // After a lost connection only what is missing is asked for again.
      if (this.#left > 0) live.remember({ ...live.mode, takes: this.#left });
    }
    say(t("record.saved"));
  }

  #rejected({ reason, code }) {
    const key = `rejected.${code}`;
    this.#why = t("record.rejected", { reason: has(key) ? t(key) : reason });
    tone("rejected");
    say(this.#why);
    if (live.mode.how !== "key") return; // it goes on by itself
    this.#end();
    this.#view.note(this.#why, "rejected");
    setTimeout(() => this.active || this.#view.note(""), 5000);
  }

  #connected() {
    if (!this.active || live.running) return this.#tell();
    if (live.mode.how === "key") {
      this.#end();
      this.#view.note(t("record.interrupted"), "rejected");
    } else {
      this.#phase = "idle";
      this.#view.frame("");
      this.#view.count(0);
      this.#view.progress(null);
      this.#view.note(t("record.waits"), "rejected"); // it goes on with what is missing
    }
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
