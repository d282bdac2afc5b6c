// What the page knows of the server's state: projects, and the one that is open. "change" tells of news.

import { api, of } from "./api.js";
import { HUES } from "./ui.js";

export const BACKGROUND = "background";

class Store extends EventTarget {
  state = null; // of /api/state
  project = null; // of /api/projects/S

  #wishes = 0; // counts projects that were opened and closed: only the last one counts
  #refreshing = null;
  #again = false;

  async loadState() {
    this.state = await api("GET", "state");
    this.#tell();
  }

  async open(slug) {
    const wish = ++this.#wishes;
    if (this.project?.slug !== slug) this.project = null;
    const project = await api("GET", of(slug));
    if (wish !== this.#wishes) return;
    this.project = project;
    this.#tell();
  }

  close() {
    this.#wishes += 1;
    this.project = null;
  }

  /** Asks for the open project anew. Many calls in a row make at most one more request. */
  async refresh() {
    if (this.#refreshing) {
      this.#again = true;
      return this.#refreshing;
    }
    const ask = async () => {
      do {
        this.#again = false;
        const slug = this.project?.slug;
        if (!slug) return;
        const answer = await api("GET", of(slug));
        if (this.project?.slug === slug) this.project = answer;
      } while (this.#again);
      this.#tell();
    };
    this.#refreshing = ask().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  get slug() {
    return this.project?.slug;
  }

  /** Gestures of the open project, what is meant to be nothing last. */
  get gestures() {
    const all = this.project?.gestures ?? [];
    return [...all.filter((one) => one.name !== BACKGROUND), ...all.filter((one) => one.name === BACKGROUND)];
  }

  /** Gestures that mean something. */
  get meant() {
    return this.gestures.filter((one) => one.name !== BACKGROUND);
  }

  /** The number of a gesture's colour, the same on every page; those that mean nothing have none. */
  hue(name) {
    const place = this.meant.findIndex((one) => one.name === name);
    return name === BACKGROUND ? "none" : (place < 0 ? HUES - 1 : place) % HUES;
  }

  /** A take that has just come to disk is shown before the server is asked for all. */
  addTake(gesture, take) {
    const found = this.project?.gestures.find((one) => one.name === gesture);
    if (found && !found.takes.some((one) => one.id === take.id)) found.takes.push(take);
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}

export const store = new Store();
