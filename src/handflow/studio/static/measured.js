// What was measured of the way of a frame: from the camera to the server and back. Shown to people, and to
// tests as `window.handflow.measured`.

const KEPT = 300; // answers, about ten seconds
const RECENT = 2500; // ms over which rates are taken

/** Rates and durations of the frames of late. Times in milliseconds. */
export class Measured {
  sent = 0;
  answered = 0;
  dropped = 0; // by the server, which takes the newest
  size = null; // [width, height] of what is sent

  #camera = [];
  #answers = [];
  #trips = [];
  #took = [];

  /** Forgets everything. */
  reset() {
    this.sent = this.answered = this.dropped = 0;
    this.#camera = [];
    this.#answers = [];
    this.#trips = [];
    this.#took = [];
  }

  /** The camera has shown so many pictures since the last call. */
  picture(now, count = 1) {
    this.#camera.push([now, count]);
  }

  /** The server has answered a frame. */
  answer(now, trip, took) {
    this.answered += 1;
    this.#answers.push([now, 1]);
    keep(this.#trips, trip);
    keep(this.#took, took);
  }

  /** Pictures a second that the camera gives; null before that is known. */
  get cameraRate() {
    return rate(this.#camera, performance.now());
  }

  /** Pictures a second that are looked at. */
  get answeredRate() {
    return rate(this.#answers, performance.now());
  }

  /** From the moment a picture was taken to its answer in the page. */
  get roundTrip() {
    return spread(this.#trips);
  }

  /** From the server's receipt of a frame to its answer. */
  get server() {
    return spread(this.#took);
  }

  /** All of it as plain values. */
  toJSON() {
    const { sent, answered, dropped, size, cameraRate, answeredRate, roundTrip, server } = this;
    return { sent, answered, dropped, size, cameraRate, answeredRate, roundTrip, server };
  }
}

function keep(list, value) {
  list.push(value);
  if (list.length > KEPT) list.shift();
}

function rate(list, now) {
  while (list.length && now - list[0][0] > RECENT) list.shift();
  if (list.length < 5) return null;
  const seconds = (list[list.length - 1][0] - list[0][0]) / 1000;
  const count = list.slice(1).reduce((sum, [, many]) => sum + many, 0);
  return seconds > 0 ? count / seconds : null;
}

function spread(list) {
  if (!list.length) return null;
  const sorted = [...list].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return { p50: at(0.5), p95: at(0.95), n: sorted.length };
}
