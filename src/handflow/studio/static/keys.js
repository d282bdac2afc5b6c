// Catches keys that are pressed and names them as bindings do.

import { t } from "./i18n.js";
import { button, h, say } from "./ui.js";

const NAMES = {
  ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down", " ": "space", "+": "plus",
  PageUp: "page_up", PageDown: "page_down", PrintScreen: "print_screen", CapsLock: "caps_lock",
  NumLock: "num_lock", ScrollLock: "scroll_lock", ContextMenu: "menu", MediaPlayPause: "play_pause",
  MediaTrackNext: "next", MediaTrackPrevious: "previous", MediaStop: "stop", AudioVolumeUp: "volume_up",
  AudioVolumeDown: "volume_down", AudioVolumeMute: "mute", BrowserBack: "browser_back",
  BrowserForward: "browser_forward", BrowserRefresh: "browser_refresh", BrowserHome: "browser_home",
};
const MODIFIERS = { Control: "ctrl", Shift: "shift", Alt: "alt", Meta: "super", AltGraph: "alt_gr" };

/** Keys that cannot be caught everywhere, offered as suggestions. */
const SUGGESTED = [
  "left", "right", "up", "down", "space", "enter", "escape", "page_up", "page_down", "play_pause",
  "next", "previous",
  "volume_up", "volume_down", "mute", "ctrl+c", "ctrl+v", "ctrl+z", "alt+tab", "super", "f5", "f11",
  "brightness_up", "brightness_down", "browser_back", "browser_forward",
];

/** The chord of a key press; null while only modifiers are down.
 *
 * A sign is the name of the key that types it, so Shift is told only beside letters and named keys.
 */
function chordOf(event) {
  if (event.key in MODIFIERS || event.key === "Dead" || event.key === "Unidentified") return null;
  const name = NAMES[event.key] ?? event.key.toLowerCase();
  const sign = event.key.length === 1 && event.key !== " " && event.key.toLowerCase() === event.key.toUpperCase();
  const held = [
    event.ctrlKey && "ctrl", event.altKey && "alt", event.metaKey && "super", event.shiftKey && !sign && "shift",
  ].filter(Boolean);
  return [...held, name].join("+");
}

/** A field for a chord: typed, chosen from a list, or caught by pressing it. */
export function keysField(value) {
  const id = `keys-${(keysField.made = (keysField.made ?? 0) + 1)}`;
  const list = h("datalist", { id }, SUGGESTED.map((one) => h("option", { value: one })));
  const input = h("input", { type: "text", value, list: id, autocomplete: "off", spellcheck: "false",
    placeholder: "ctrl+s" });
  const catcher = button(t("keys.press"), { icon: "keyboard", data: { keys: "" }, onclick: () => {
    catcher.classList.add("catching");
    catcher.querySelector("span").textContent = t("keys.now");
    say(t("keys.now"));
  } });
  const done = () => {
    catcher.classList.remove("catching");
    catcher.querySelector("span").textContent = t("keys.press");
  };
  catcher.addEventListener("blur", done);
  catcher.addEventListener("keydown", (event) => {
    if (!catcher.classList.contains("catching")) return;
    event.preventDefault();
    event.stopPropagation();
    const chord = chordOf(event);
    if (chord === null) return;
    input.value = chord;
    say(chord);
    done();
  });
  const element = h("div", { class: "row keys-field" }, input, catcher, list);
  return { element, input, read: () => input.value.trim() };
}
