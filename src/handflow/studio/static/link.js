// The WebSocket to the desk of a project: connects again by itself, with pauses that grow.

import { lost } from "./api.js";

const FIRST_PAUSE = 400; // ms
const LONGEST_PAUSE = 4000;
const NOTHING_HERE = 4404; // code of a socket that closes because the project is gone

/** "message" carries JSON in `detail`, "picture" a binary one, "change" tells of another state.
 *
 * state: closed · connecting · open · busy (another tab has the desk) · taken (another tab took it over) ·
 * failed (the server gave up; it has said why)
 */
export class Link extends EventTarget {
  state = "closed";

  #socket = null;
  #slug = null;
  #pause = FIRST_PAUSE;
  #timer = 0;

  /** Connects to the desk of a project, once. */
  open(slug) {
    if (this.#slug === slug) return;
    this.close();
    this.#slug = slug;
    this.#connect();
  }

  close() {
    clearTimeout(this.#timer);
    this.#slug = null;
    this.#socket?.close();
    this.#socket = null;
    this.#become("closed");
  }

  get ready() {
    return this.state === "open";
  }

  /** Sends JSON, or bytes; without effect while nobody is there. */
  send(what) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(what instanceof ArrayBuffer ? what : JSON.stringify(what));
    return true;
  }

  /** Asks for the desk that another tab has. */
  takeOver() {
    if (this.send({ type: "take-over" })) this.#become("open");
    else this.#connect(true);
  }

  #connect(takeOver = false) {
    clearTimeout(this.#timer);
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const slug = encodeURIComponent(this.#slug);
    const socket = new WebSocket(`${scheme}://${location.host}/api/projects/${slug}/live`);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#become("connecting");
    socket.addEventListener("open", () => {
      if (this.#socket !== socket) return;
      if (takeOver) this.send({ type: "take-over" });
      this.#become("open");
    });
    socket.addEventListener("message", ({ data }) => this.#socket === socket && this.#read(data));
    socket.addEventListener("close", ({ code }) => {
      if (this.#socket !== socket) return;
      if (code === NOTHING_HERE) this.#become("failed");
      this.#closed();
    });
  }

  #read(data) {
    if (data instanceof ArrayBuffer) {
      this.dispatchEvent(new CustomEvent("picture", { detail: data }));
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "busy") this.#become("busy");
    else if (message.type === "taken-over") this.#become("taken");
    else if (message.type === "left") this.#left();
    else {
      this.#pause = FIRST_PAUSE;
      this.dispatchEvent(new CustomEvent("message", { detail: message }));
    }
  }

  /** Tries again after the server gave up. */
  again() {
    const slug = this.#slug;
    this.close();
    this.open(slug);
  }

  #left() {
    if (this.state !== "taken") this.#become("failed");
  }

  #closed() {
    this.#socket = null;
    if (["taken", "failed"].includes(this.state) || this.#slug === null) return;
    this.#become("connecting");
    lost();
    this.#timer = setTimeout(() => this.#slug !== null && this.#connect(), this.#pause);
    this.#pause = Math.min(LONGEST_PAUSE, this.#pause * 1.6);
  }

  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}
