// The hand on the first page: it waves and swipes, and what it does is recognized, as it will be for everybody.
// Its points were made by `python tools/draw_hand.py`.

import { t } from "./i18n.js";
import { BONES } from "./overlay.js";
import { h, sharp } from "./ui.js";

const TIPS = [4, 8, 12, 16, 20];
const TRAIL = 0.45; // seconds that fingertips leave a trail
const PIECES = 14; // of a trail
const NAMED = 1.1; // seconds that a gesture's name is shown
const SPEED = 0.85; // of the virtual person's own
const ROOM = 0.12; // of the width, around the hand
const [BONE, TIP] = ["#f2fbf9", "#ffc46b"];

/** The moving hand; it stands still for those who want nothing to move. */
export function movingHand(signal) {
  const canvas = h("canvas");
  const name = h("span", { class: "made" });
  const element = h("div", { class: "moving-hand", "aria-hidden": "true" }, canvas, name);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let moved = null;

  function draw(now) {
    if (signal.aborted) return;
    const length = moved.frames.length / moved.fps;
    const [wave] = Object.values(moved.done);
    const time = still.matches ? wave - 0.25 : ((SPEED * now) / 1000) % length;
    const [pen, width, height] = sharp(canvas);
    drawAt(pen, width, height, moved, time);
    const made = Object.entries(moved.done).find(([, end]) => time >= end && time < end + NAMED)?.[0];
    name.dataset.made = Boolean(made);
    if (made) name.textContent = t(`idea.${made}`);
    if (!still.matches) requestAnimationFrame(draw);
  }

  async function start() {
    const answer = await fetch("/static/hand.json");
    if (!answer.ok) return; // the page does without it
    moved = await answer.json();
    requestAnimationFrame(draw);
    const again = () => requestAnimationFrame(draw);
    still.addEventListener("change", again, { signal });
    addEventListener("resize", () => still.matches && again(), { signal });
  }

  start().catch(() => {}); // whoever asks for the projects notices that nobody answers
  return element;
}

/** The points at a time, between two frames. */
function pointsAt({ frames, fps }, time) {
  const at = (((time * fps) % frames.length) + frames.length) % frames.length;
  const [before, after] = [frames[Math.floor(at)], frames[Math.ceil(at) % frames.length]];
  const share = at % 1;
  return Array.from({ length: before.length / 2 }, (_, n) =>
    [0, 1].map((axis) => before[2 * n + axis] * (1 - share) + after[2 * n + axis] * share));
}

function drawAt(pen, width, height, moved, time) {
  const scale = Math.min((width * (1 - 2 * ROOM)) / 1000, (height * (1 - 2 * ROOM)) / moved.high);
  const [left, top] = [(width - 1000 * scale) / 2, (height - moved.high * scale) * 0.62];
  const place = ([x, y]) => [left + x * scale, top + y * scale];
  const thick = 15 * scale;
  pen.lineCap = "butt"; // round ends of pieces would lie on each other and show as beads
  pen.strokeStyle = TIP;
  let newer = pointsAt(moved, time);
  for (let piece = 1; piece <= PIECES; piece += 1) {
    const older = pointsAt(moved, time - (piece / PIECES) * TRAIL);
    const fresh = 1 - piece / PIECES;
    pen.globalAlpha = 0.6 * fresh ** 1.5;
    pen.lineWidth = thick * (0.4 + 0.9 * fresh);
    for (const tip of TIPS) line(pen, place(older[tip]), place(newer[tip]));
    newer = older;
  }
  pen.globalAlpha = 1;
  pen.lineCap = "round";
  pen.strokeStyle = BONE;
  pen.lineWidth = thick;
  const points = pointsAt(moved, time).map(place);
  for (const [from, to] of BONES) line(pen, points[from], points[to]);
  points.forEach(([x, y], n) => {
    pen.fillStyle = n === 0 || TIPS.includes(n) ? TIP : BONE;
    pen.beginPath();
    pen.arc(x, y, thick * (n === 0 || TIPS.includes(n) ? 1.15 : 0.8), 0, 2 * Math.PI);
    pen.fill();
  });
}

function line(pen, from, to) {
  pen.beginPath();
  pen.moveTo(...from);
  pen.lineTo(...to);
  pen.stroke();
}
