// Talks to the studio's server over HTTP. Tells the page when nobody answers, and when somebody does again.

import { has, t } from "./i18n.js";

/** What the server says went wrong, in the person's language where the code is known. */
export function inWords({ code, message, values = {} }) {
  const key = `error.${code}`;
  return has(key) ? t(key, values) : message;
}

/** An answer that says no; `message` is for people. */
export class ApiError extends Error {
  constructor(status, error) {
    super(inWords(error));
    this.status = status;
    this.code = error.code;
  }
}

/** Nobody answers. */
export class NoAnswer extends Error {
  constructor() {
    super(t("gone.title"));
  }
}

/** "there" and "gone" are told here, and "locked" where the server does not know this browser. */
export const server = new EventTarget();
let there = true;

const FIRST_PAUSE = 500; // ms between looks for a server that is gone, longer each time …
const LONGEST_PAUSE = 4000; // … up to this

/** Asks the server; the JSON of the answer, or null where there is none. */
export async function api(method, path, body) {
  const sent = body === undefined ? {} : body instanceof Blob
    ? { body, headers: { "Content-Type": "application/octet-stream" } }
    : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  const answer = await reach(`/api/${path}`, { method, ...sent });
  const text = await answer.text();
  const json = answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : null;
  if (answer.ok) return json;
  if (answer.status === 403 && !json) lost("locked");
  throw new ApiError(answer.status, json?.error ?? { code: "unknown", message: text.slice(0, 200) });
}

/** The blob and the headers of an answer. */
export async function blob(path) {
  const answer = await reach(`/api/${path}`, {});
  if (!answer.ok) throw new ApiError(answer.status, { code: "unknown", message: answer.statusText });
  return [await answer.blob(), answer.headers];
}

/** The path of something of a project. */
export function of(slug, ...parts) {
  return ["projects", slug, ...parts].map(encodeURIComponent).join("/");
}

/** Whether the server answers, as far as known. */
export function isThere() {
  return there;
}

/** Told by whoever notices that nobody answers, or not to this browser ("locked"); looks until somebody does. */
export function lost(how = "gone") {
  if (!there) return;
  there = false;
  server.dispatchEvent(new Event(how));
  lookAgain(FIRST_PAUSE);
}

async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch {
    lost();
    throw new NoAnswer();
  }
}

function lookAgain(pause) {
  setTimeout(async () => {
    try {
      const { status } = await fetch("/api/state");
      there = status !== 403;
      server.dispatchEvent(new Event(there ? "there" : "locked"));
      if (!there) lookAgain(LONGEST_PAUSE);
    } catch {
      server.dispatchEvent(new Event("gone"));
      lookAgain(Math.min(LONGEST_PAUSE, pause * 1.5));
    }
  }, pause);
}
