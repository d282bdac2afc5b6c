// The browser's camera: which there are, the picture of one, and what is wrong where there is none.

const CHOSEN = "handflow.camera";

/** What went wrong, by the name of the browser's error. */
const TROUBLE = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "used",
  AbortError: "used",
};

/** A camera; "change" tells of another state or other devices.
 *
 * state: off · starting · on · refused (no permission) · missing (there is none) · used (another program has
 * it) · gone (it was there and ended) · unsafe (the browser offers none on this address)
 */
export class Camera extends EventTarget {
  state = "off";
  devices = []; // [{id, label}]
  chosen = localStorage.getItem(CHOSEN) ?? "";

  #stream = null;
  #starts = 0; // counts starts and ends: what belongs to an earlier one is let go
  #wanted = false;

  constructor(video) {
    super();
    this.video = video;
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#devicesChanged());
  }

  get on() {
    return this.state === "on";
  }

  /** Starts the camera that was chosen, or the first there is. */
  async start(id = this.chosen) {
    this.#wanted = true;
    if (!navigator.mediaDevices?.getUserMedia) return this.#become("unsafe");
    this.#end();
    const begun = this.#starts;
    this.#become("starting");
    try {
      const stream = await this.#ask(id);
      if (this.#starts !== begun) return stream.getTracks().forEach((track) => track.stop());
      this.#stream = stream;
      const [track] = stream.getVideoTracks();
      track.addEventListener("ended", () => this.#stream === stream && this.#lost());
      this.chosen = track.getSettings().deviceId ?? "";
      this.video.srcObject = stream;
      await this.video.play().catch((error) => {
        if (error.name !== "AbortError") throw error; // AbortError: another start came in between
      });
      await this.#list();
      if (this.#starts === begun) this.#become("on");
    } catch (error) {
      if (!(error.name in TROUBLE)) throw error;
      if (this.#starts === begun) this.#become(TROUBLE[error.name]);
    }
  }

  /** Changes to another camera and remembers it. */
  async choose(id) {
    localStorage.setItem(CHOSEN, id);
    await this.start(id);
  }

  /** Lets go of the camera, so that its light goes out. */
  stop() {
    this.#wanted = false;
    this.#end();
    this.#become("off");
  }

  #ask(id) {
    const size = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
    const of = (device) => navigator.mediaDevices.getUserMedia({ video: { ...size, ...device }, audio: false });
    if (!id) return of({});
    // The one chosen before may be unplugged: then any other is better than none.
    return of({ deviceId: { exact: id } }).catch((error) => {
      if (error.name === "OverconstrainedError" || error.name === "NotFoundError") return of({});
      throw error;
    });
  }

  async #list() {
    const all = await navigator.mediaDevices.enumerateDevices();
    this.devices = all.filter((one) => one.kind === "videoinput")
      .map((one) => ({ id: one.deviceId, label: one.label }));
  }

  async #devicesChanged() {
    if (this.state === "off") return;
    await this.#list();
    if (this.#wanted && (this.state === "missing" || this.state === "gone") && this.devices.length) {
      await this.start();
    } else {
      this.#become(this.state);
    }
  }

  #lost() {
    this.#end();
    this.#become("gone");
  }

  #end() {
    this.#starts += 1;
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.video.srcObject = null;
  }

  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}
