// What actions do, in one line for people.

import { known, opened, variantOf } from "./actions.js";
import { number, t } from "./i18n.js";

/** What an action does; one that the page does not know, as it is written. */
export function describe(action) {
  if (!known(action)) return JSON.stringify(action);
  const [kind, settings] = opened(action);
  const variant = variantOf(kind, settings);
  const value = variant && settings[variant];
  if (kind === "keys") {
    return variant === "text" ? t("does.keys.text", { text: settings.text })
      : t("does.keys.press", { keys: [value].flat().map(pretty).join(", ") });
  }
  if (kind === "mouse" && variant === "click") {
    return t("does.mouse.click", { button: t(`choice.${value}`), n: settings.count ?? 1 });
  }
  if (kind === "mouse") {
    const [x, y] = value.map((one) => number(one, Number.isInteger(one) ? 0 : 2));
    return t(`does.mouse.${variant}`, { x, y });
  }
  if (kind === "webhook") return t("does.webhook", { method: settings.method ?? "POST", url: settings.url });
  if (kind === "mqtt") {
    return settings.topic ? t("does.mqtt", { topic: settings.topic }) : t("does.mqtt.event");
  }
  if (kind === "say") return t("does.say", { text: settings.text });
  if (kind === "sound") return t("does.sound", { file: settings.file });
  if (kind === "mode") return t("does.mode", { mode: settings.to });
  if (kind === "osc") return t("does.osc", { address: settings.address });
  if (kind === "midi") return t("does.midi", { what: variant === "send" ? value : `${variant} ${value}` });
  if (kind === "command") return t("does.command", { program: [settings.run].flat().join(" ") });
  return t("does.python", { name: settings.use });
}

/** A chord as people write it. */
function pretty(chord) {
  const names = { left: "←", right: "→", up: "↑", down: "↓" };
  return chord.split("+").map((key) => names[key.toLowerCase()] ?? key.replaceAll("_", " "))
    .map((key) => key.charAt(0).toUpperCase() + key.slice(1)).join(" + ");
}
