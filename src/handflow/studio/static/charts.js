// Drawings on canvases: the loss while a network learns, and a timeline of scores and events.

import { number, percent, t } from "./i18n.js";
import { colour, sharp } from "./ui.js";

/** A pen with letters as the page's. */
function prepared(canvas) {
  const [pen, width, height] = sharp(canvas);
  pen.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  return [pen, width, height];
}

/** The loss of each epoch, on what is learned (thin) and on what is held back (thick). */
export function drawLoss(canvas, points) {
  const [pen, width, height] = prepared(canvas);
  const [left, bottom, top] = [40, 22, 8];
  const values = points.flatMap(([, train, held]) => [train, held]).filter((value) => Number.isFinite(value));
  if (!values.length) return;
  const highest = Math.max(...values) * 1.05 || 1;
  const last = Math.max(2, ...points.map(([epoch]) => epoch));
  const x = (epoch) => left + ((epoch - 1) / (last - 1)) * (width - left - 8);
  const y = (value) => top + (1 - value / highest) * (height - top - bottom);
  pen.strokeStyle = colour("--line");
  pen.fillStyle = colour("--muted");
  pen.lineWidth = 1;
  for (const share of [0, 0.5, 1]) {
    const at = Math.round(y(share * highest)) + 0.5;
    line(pen, [[left, at], [width, at]]);
    pen.fillText(number(share * highest, 2), 4, at + 4);
  }
  pen.textAlign = "right";
  pen.fillText(t("train.epoch", { n: last }), width - 8, height - 5);
  pen.strokeStyle = colour("--muted");
  pen.lineWidth = 1.5;
  line(pen, points.filter(([, train]) => Number.isFinite(train)).map(([epoch, train]) => [x(epoch), y(train)]));
  pen.strokeStyle = colour("--accent");
  pen.lineWidth = 3;
  line(pen, points.filter(([, , held]) => Number.isFinite(held)).map(([epoch, , held]) => [x(epoch), y(held)]));
}

function line(pen, points) {
  pen.beginPath();
  points.forEach(([x, y], n) => (n ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.stroke();
}

const SHOWN = 12; // seconds of a timeline
const MARKED = 3; // seconds between marks of time
const [LEFT, BOTTOM] = [44, 20]; // pixels for what the axes say
const [LANES, LANE] = [3, 22]; // rows for names of events, so that none lies on another; pixels of each
const DASHES = [[], [8, 4], [2, 4]]; // as borders in style.css: solid, dashed, dotted

/** Scores that scroll by, a line for each gesture, with a flag for each event. */
export class Timeline {
  #scores = []; // [seconds, {gesture: score}]
  #events = []; // {time, name, hue}
  #drawn = 0;

  constructor(canvas, hueOf) {
    this.canvas = canvas;
    this.hueOf = hueOf;
  }

  add(time, scores) {
    if (this.#scores.length && time < this.#scores[this.#scores.length - 1][0]) this.clear();
    this.#scores.push([time, scores]);
    while (this.#scores[0][0] < time - SHOWN) this.#scores.shift();
    if (time - this.#drawn < 0.05) return; // twenty times a second is smooth enough
    this.#drawn = time;
    this.#draw(time);
  }

  flag(time, name, hue) {
    this.#events.push({ time, name, hue });
    if (this.#events.length > 40) this.#events.shift();
  }

  clear() {
    this.#scores = [];
    this.#events = [];
    this.#drawn = 0;
  }

  #draw(now) {
    const [pen, width, height] = prepared(this.canvas);
    const top = LANES * LANE + 8;
    const x = (time) => width - ((now - time) / SHOWN) * (width - LEFT);
    const y = (score) => height - BOTTOM - score * (height - BOTTOM - top);
    this.#axes(pen, now, x, y, width, height);
    pen.save();
    pen.beginPath();
    pen.rect(LEFT, 0, width - LEFT, height);
    pen.clip();
    this.#lines(pen, x, y);
    this.#flags(pen, x, y(0));
    pen.restore();
  }

  #axes(pen, now, x, y, width, height) {
    pen.strokeStyle = colour("--line");
    pen.fillStyle = colour("--muted");
    pen.lineWidth = 1;
    for (const share of [0, 0.5, 1]) {
      line(pen, [[LEFT, y(share)], [width, y(share)]]);
      pen.textAlign = "right";
      pen.fillText(percent(share), LEFT - 6, y(share) + 4);
    }
    for (let ago = 0; ago < SHOWN; ago += MARKED) {
      pen.textAlign = ago ? "center" : "right";
      pen.fillText(ago ? t("try.ago", { n: ago }) : t("try.now"), x(now - ago), height - 4);
    }
    pen.textAlign = "left";
  }

  #lines(pen, x, y) {
    const names = new Set(this.#scores.flatMap(([, scores]) => Object.keys(scores)));
    pen.lineWidth = 2;
    pen.lineJoin = "round";
    for (const name of names) {
      const hue = this.hueOf(name);
      if (hue === "none") continue;
      pen.strokeStyle = colour(`--hue-${hue}`);
      pen.setLineDash(DASHES[hue % DASHES.length]);
      line(pen, this.#scores.map(([time, scores]) => [x(time), y(scores[name] ?? 0)]));
    }
    pen.setLineDash([]);
  }

  /** A flag's name stands before its pole: the gesture was made there, and at the right there is no room. */
  #flags(pen, x, ground) {
    const ends = Array(LANES).fill(-Infinity); // of the last name in each lane, pixels
    for (const { time, name, hue } of this.#events) {
      const at = x(time);
      const wide = pen.measureText(name).width + 14;
      const lane = ends.findIndex((end) => end <= at - wide);
      pen.strokeStyle = pen.fillStyle = colour(`--hue-${hue}`);
      pen.lineWidth = 2;
      line(pen, [[at - 1, Math.max(0, lane) * LANE + 2], [at - 1, ground]]);
      if (lane < 0) continue; // the pole alone: the list beside has its name
      ends[lane] = at + 4;
      pen.beginPath();
      pen.roundRect(at - wide, lane * LANE + 2, wide, LANE - 4, [6, 0, 0, 6]);
      pen.fill();
      pen.fillStyle = colour("--on-hue");
      pen.fillText(name, at - wide + 7, lane * LANE + 15);
    }
  }
}
