// Draws the hands over the mirrored picture.

import { sharp } from "./ui.js";

/** Pairs of points that belong together. */
export const BONES = [
  [0, 1], [1, 2], [2, 3], [3, 4], [0, 5], [5, 6], [6, 7], [7, 8], [5, 9], [9, 10], [10, 11], [11, 12],
  [9, 13], [13, 14], [14, 15], [15, 16], [13, 17], [0, 17], [17, 18], [18, 19], [19, 20],
];
const COLOURS = { left: "#ffaa3c", right: "#46c8ff" }; // told apart by colour-blind people as well
const RIM = "rgba(10, 14, 18, .75)";

/** Draws hands, whose points are shares of the unmirrored picture, onto a canvas over the mirrored one. */
export function drawHands(canvas, hands) {
  const [pen, width, height] = sharp(canvas);
  pen.lineCap = pen.lineJoin = "round";
  for (const hand of hands) drawHand(pen, hand, width, height);
}

function drawHand(pen, hand, width, height) {
  const points = hand.points.map(([x, y]) => [(1 - x) * width, y * height]);
  const [wrist, knuckle] = [points[0], points[9]];
  const size = Math.hypot(knuckle[0] - wrist[0], knuckle[1] - wrist[1]);
  const thick = Math.max(1.5, size / 26);
  pen.beginPath();
  for (const [from, to] of BONES) {
    pen.moveTo(...points[from]);
    pen.lineTo(...points[to]);
  }
  pen.strokeStyle = RIM;
  pen.lineWidth = thick + Math.max(1.5, thick * 0.7);
  pen.stroke();
  pen.strokeStyle = COLOURS[hand.side] ?? COLOURS.right;
  pen.lineWidth = thick;
  pen.stroke();
  pen.fillStyle = "#fff";
  for (const [x, y] of points) {
    pen.beginPath();
    pen.arc(x, y, thick * 0.85, 0, 2 * Math.PI);
    pen.fill();
  }
}
