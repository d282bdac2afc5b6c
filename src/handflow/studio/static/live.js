// The live part of the page: camera → frames → server → what it has seen. One for the whole page, so that the
// camera and the connection stay while one goes from step to step.

import { inWords } from "./api.js";
import { Camera } from "./camera.js";
import { Frames } from "./frames.js";
import { h } from "./ui.js";
import { Link } from "./link.js";
import { Measured } from "./measured.js";
import { store } from "./store.js";

const MESSAGES = ["seen", "take", "rejected", "event", "armed", "did", "layer", "mode", "error"];

/** Events are named as the server's messages; "change" tells of camera and connection. */
class Live extends EventTarget {
  video = h("video", { playsinline: true, muted: true, autoplay: true, disablepictureinpicture: true });
  picture = h("canvas", { hidden: true, width: 0, height: 0 }); // what the server's own camera shows
  measured = new Measured();
  camera = new Camera(this.video);
  link = new Link();
  seen = null; // the newest answer
  trouble = ""; // what the server said last that went wrong
  ownCamera = false; // the server's own camera instead of the browser's

  #frames = new Frames(this.video, (bytes) => this.link.send(bytes), this.measured);
  #mode = { type: "look" };
  #frameTime = 0;
  #shown = false; // whether the server's own camera has shown a picture

  constructor() {
    super();
    this.video.muted = true;
    this.camera.addEventListener("change", () => this.#changed());
    this.link.addEventListener("change", () => {
      if (this.link.ready) this.#greet();
      this.#changed();
    });
    this.link.addEventListener("message", ({ detail }) => this.#read(detail));
    this.link.addEventListener("picture", ({ detail }) => this.#show(detail));
  }

  /** Begins: camera on, connected to the desk of the project. */
  start(slug) {
    this.link.open(slug);
    if (!this.ownCamera && ["off", "gone"].includes(this.camera.state)) this.camera.start();
  }

  /** Ends: camera off, desk free for others. */
  stop() {
    this.#mode = { type: "look" };
    this.link.close();
    this.camera.stop();
    this.seen = null;
  }

  /** What the server is to do with frames; said again after each new connection. */
  get mode() {
    return this.#mode;
  }

  set mode(message) {
    this.#mode = message;
    this.link.send(message);
  }

  /** What is said after a new connection, without saying it now. */
  remember(message) {
    this.#mode = message;
  }

  /** Sends a message that holds once. */
  send(message) {
    return this.link.send(message);
  }

  /** Whether pictures come and are answered. */
  get running() {
    return this.link.ready && (this.ownCamera ? this.#shown : this.camera.on);
  }

  /** Takes the server's own camera, or leaves it, so that one of the browser's can be started. */
  useOwnCamera(own) {
    this.ownCamera = own;
    this.#shown = false;
    this.picture.hidden = !own;
    this.video.hidden = own;
    if (own) this.camera.stop();
    this.send({ type: "source", camera: own ? "server" : "browser" });
    this.#changed();
  }

  /** Stops where another tab took over, and asks for the desk back. */
  takeOver() {
    this.link.takeOver();
    if (!this.ownCamera) this.camera.start();
  }

  #greet() {
    this.measured.reset();
    // Nobody may know any longer that a page waits for a studio: keys are pressed again only when asked for.
    if (this.#mode.acting === "armed") this.#mode = { ...this.#mode, acting: "dry" };
    this.#shown = false;
    if (this.ownCamera) this.send({ type: "source", camera: "server" });
    if (this.#mode.type !== "look") this.send(this.#mode);
  }

  #changed() {
    if (this.link.state === "taken" && this.camera.state !== "off") this.camera.stop();
    if (this.running && !this.ownCamera) this.#frames.start();
    else this.#frames.stop();
    if (!this.running) this.seen = null;
    this.dispatchEvent(new Event("change"));
  }

  #read(message) {
    if (message.type === "seen") {
      const now = performance.now();
      this.#frames.answered(1000 * message.t);
      this.measured.dropped = message.dropped ?? 0;
      if (this.ownCamera) this.measured.picture(now);
      this.measured.answer(now, now - 1000 * (this.ownCamera ? this.#frameTime : message.t), message.took);
      this.seen = message;
    }
    if (message.type === "source" && message.camera === "browser" && this.ownCamera) this.#ownCameraLost();
    if (message.type === "error") this.trouble = inWords(message);
    if (message.type === "frame") this.#frameTime = performance.now() / 1000;
    if (message.type === "take" && store.slug) store.addTake(message.gesture, message.take);
    if (MESSAGES.includes(message.type)) this.dispatchEvent(new CustomEvent(message.type, { detail: message }));
  }

  /** The server has lost its camera and goes on with the browser's. */
  #ownCameraLost() {
    this.ownCamera = false;
    this.picture.hidden = true;
    this.video.hidden = false;
    this.camera.start();
    this.#changed();
  }

  async #show(bytes) {
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
    const { width, height } = bitmap;
    const another = !this.#shown || this.picture.width !== width || this.picture.height !== height;
    if (another) Object.assign(this.picture, { width, height });
    this.#shown = true;
    this.picture.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    if (another) this.#changed();
  }
}

export const live = new Live();
