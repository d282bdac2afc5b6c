// The kinds of action and what each asks for. The server checks everything; this only makes it easy to say.
//
// A field: [name, type, options]. Types: text, keys, number, choice, check, numbers (two of them), json, lines
// (a list, one a line), table (names with values, one a line). What is left empty is left out.
// `variants` are different things that a kind can do; each is known by its first field.

const BUTTONS = ["left", "right", "middle"];
const WHOLE = { min: 0, max: 127, step: 1 };

export const ACTIONS = {
  keys: {
    icon: "keyboard", short: "press",
    variants: { press: [["press", "keys", {}]], text: [["text", "text", {}]] },
  },
  mouse: {
    icon: "mouse", short: "click",
    variants: {
      click: [["click", "choice", { options: BUTTONS }],
        ["count", "number", { min: 1, max: 3, step: 1, usual: 1 }]],
      scroll: [["scroll", "numbers", { first: [0, 3] }]],
      move: [["move", "numbers", { first: [100, 0] }]],
      move_to: [["move_to", "numbers", { first: [0.5, 0.5], step: 0.05 }]],
      drag: [["drag", "numbers", { first: [100, 0] }], ["button", "choice", { options: BUTTONS, usual: "left" }]],
    },
    more: [["holding", "keys", {}]],
  },
  webhook: {
    icon: "send", short: "url",
    fields: [["url", "text", { kind: "url", needed: true, example: "http://127.0.0.1:8000/" }],
      ["method", "choice", { options: ["POST", "GET", "PUT", "PATCH", "DELETE"], usual: "POST" }]],
    more: [["json", "json", {}], ["text", "text", {}], ["headers", "table", {}],
      ["timeout", "number", { min: 0.1, max: 60, step: 0.1, usual: 5 }],
      ["retries", "number", { min: 0, max: 10, step: 1, usual: 3 }]],
  },
  mqtt: {
    icon: "house", short: "topic",
    fields: [["topic", "text", { example: "room/light" }], ["payload", "json", { texts: true, example: "on" }]],
    more: [["qos", "choice", { options: [1, 0, 2], usual: 1 }], ["retain", "check", {}]],
  },
  say: {
    icon: "speech", short: "text", fields: [["text", "text", { needed: true }]], more: [["voice", "text", {}]],
  },
  sound: {
    icon: "speaker", short: "file", fields: [["file", "text", { needed: true, example: "~/Music/ding.ogg" }]],
    more: [["volume", "number", { min: 0, max: 1, step: 0.1, usual: 1 }]],
  },
  mode: { icon: "layers", short: "to", fields: [["to", "text", { needed: true, example: "slides" }]] },
  osc: {
    icon: "sliders", short: "address",
    fields: [["address", "text", { needed: true, example: "/cue/go" }],
      ["args", "json", { example: "[1, \"{score}\"]" }]],
    more: [["host", "text", {}], ["port", "number", { min: 1, max: 65535, step: 1 }]],
  },
  midi: {
    icon: "music", short: "note",
    variants: {
      note: [["note", "text", { needed: true, example: "C4" }], ["velocity", "number", { ...WHOLE, usual: 100 }],
        ["length", "number", { min: 0.05, max: 60, step: 0.05, usual: 0.25 }]],
      control: [["control", "number", { ...WHOLE, needed: true }],
        ["value", "text", { needed: true, example: "{score}" }]],
      program: [["program", "number", { ...WHOLE, needed: true }]],
      send: [["send", "choice", { options: ["start", "stop", "continue"] }]],
    },
    more: [["channel", "number", { min: 1, max: 16, step: 1, usual: 1 }]],
  },
  command: {
    icon: "terminal", short: "run",
    fields: [["run", "lines", { needed: true, example: "notify-send\n{gesture}" }]],
    more: [["cwd", "text", {}], ["env", "table", {}], ["timeout", "number", { min: 0.1, max: 3600, step: 0.1 }]],
  },
  python: {
    icon: "code", short: "use", fields: [["use", "text", { needed: true }]], more: [["settings", "json", {}]],
  },
};

/** An action as written in the file, {kind: settings}, as [kind, settings as a table]. */
export function opened(action) {
  const [kind, given] = Object.entries(action)[0];
  const short = ACTIONS[kind]?.short;
  const table = given !== null && typeof given === "object" && !Array.isArray(given);
  return [kind, table ? { ...given } : { [short]: given }];
}

/** The fields of a kind that a variant asks for. */
export function fieldsOf(kind, variant) {
  const { variants, fields = [] } = ACTIONS[kind];
  return variants ? variants[variant] : fields;
}

/** Which variant of a kind settings are of; null where the kind has none. */
export function variantOf(kind, settings) {
  const { variants } = ACTIONS[kind];
  if (!variants) return null;
  return Object.keys(variants).find((one) => variants[one][0][0] in settings) ?? Object.keys(variants)[0];
}
