// The kinds of action and what each asks for. The server checks everything; this only makes it easy to say.
//
// A field: [name, type, options]. Types: text, keys, number, amount (a number, or a text that stands for one),
// choice, check, numbers (two of them), json, lines (a list, one a line), table (names with values, one a line).
// What is left empty is left out. `variants` are different things that a kind can do; each is known by its first
// field.

const BUTTONS = ["left", "right", "middle"];
const WHOLE = { min: 0, max: 127, step: 1 };

export const ACTIONS = {
  keys: {
    icon: "keyboard",
    variants: { press: [["press", "keys", { needed: true }]], text: [["text", "text", { needed: true }]] },
  },
  mouse: {
    icon: "mouse",
    variants: {
      click: [["click", "choice", { options: BUTTONS, needed: true }],
        ["count", "number", { min: 1, max: 3, step: 1, usual: 1 }]],
      scroll: [["scroll", "numbers", { first: [0, 3], needed: true }]],
      move: [["move", "numbers", { first: [100, 0], needed: true }]],
      move_to: [["move_to", "numbers", { first: [0.5, 0.5], step: 0.05, needed: true }]],
      drag: [["drag", "numbers", { first: [100, 0], needed: true }],
        ["button", "choice", { options: BUTTONS, usual: "left" }]],
    },
    more: [["holding", "keys", {}]],
  },
  webhook: {
    icon: "send",
    fields: [["url", "text", { kind: "url", needed: true, example: "http://127.0.0.1:8000/" }],
      ["method", "choice", { options: ["POST", "GET", "PUT", "PATCH", "DELETE"], usual: "POST" }]],
    more: [["json", "json", {}], ["text", "text", {}], ["headers", "table", {}],
      ["timeout", "number", { min: 0.1, max: 60, step: 0.1, usual: 5 }],
      ["retries", "number", { min: 0, max: 10, step: 1, usual: 3 }]],
  },
  mqtt: {
    icon: "house",
    fields: [["topic", "text", { example: "room/light" }], ["payload", "json", { texts: true, example: "on" }]],
    more: [["qos", "choice", { options: [1, 0, 2], usual: 1 }], ["retain", "check", {}]],
  },
  say: {
    icon: "speech", fields: [["text", "text", { needed: true }]], more: [["voice", "text", {}]],
  },
  sound: {
    icon: "speaker", fields: [["file", "text", { needed: true, example: "~/Music/ding.ogg" }]],
    more: [["volume", "number", { min: 0, max: 1, step: 0.1, usual: 1 }]],
  },
  mode: { icon: "layers", fields: [["to", "text", { needed: true, example: "slides" }]] },
  osc: {
    icon: "sliders",
    fields: [["address", "text", { needed: true, example: "/cue/go" }],
      ["args", "json", { example: "[1, \"{score}\"]" }]],
    more: [["host", "text", {}], ["port", "number", { min: 1, max: 65535, step: 1 }]],
  },
  midi: {
    icon: "music",
    variants: {
      note: [["note", "amount", { needed: true, example: "C4" }], ["velocity", "amount", { usual: 100 }],
        ["length", "number", { min: 0.05, max: 60, step: 0.05, usual: 0.25 }]],
      control: [["control", "number", { ...WHOLE, needed: true }],
        ["value", "amount", { needed: true, example: "{score}" }]],
      program: [["program", "number", { ...WHOLE, needed: true }]],
      send: [["send", "choice", { options: ["start", "stop", "continue"], needed: true }]],
    },
    more: [["channel", "number", { min: 1, max: 16, step: 1, usual: 1 }]],
  },
  command: {
    icon: "terminal",
    fields: [["run", "lines", { needed: true, example: "notify-send\n{gesture}" }]],
    more: [["cwd", "text", {}], ["env", "table", {}], ["timeout", "number", { min: 0.1, max: 3600, step: 0.1 }]],
  },
  python: {
    icon: "code", fields: [["use", "text", { needed: true }]], more: [["settings", "json", {}]],
  },
};

// Whether a value is of a type.
const FITS = {
  text: (value) => typeof value === "string",
  keys: (value) => [value].flat().every((one) => typeof one === "string"),
  number: (value) => typeof value === "number",
  amount: (value) => ["number", "string"].includes(typeof value),
  choice: (value, { options }) => options.includes(value),
  check: (value) => typeof value === "boolean",
  numbers: (value) => Array.isArray(value) && value.length === 2 && value.every((one) => typeof one === "number"),
  json: () => true,
  lines: (value) => Array.isArray(value) && value.every((one) => typeof one === "string"),
  table: (value) => isTable(value) && Object.values(value).every((one) => typeof one === "string"),
};

/** An action, {kind: settings}, as [kind, settings]. */
export function opened(action) {
  return Object.entries(action)[0];
}

/** Whether the page knows what an action does. A file that an editor has written may have any others. */
export function known(action) {
  const [kind, settings] = opened(action);
  if (!Object.hasOwn(ACTIONS, kind) || !isTable(settings)) return false;
  const { more = [] } = ACTIONS[kind];
  return [...fieldsOf(kind, variantOf(kind, settings)), ...more].every(([name, type, options]) =>
    (name in settings ? FITS[type](settings[name], options) : !options.needed));
}

function isTable(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
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
