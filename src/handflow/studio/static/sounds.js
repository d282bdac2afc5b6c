// Short tones for those who look at their hand and not at the page.

const TONES = { tick: [660, 0.06], start: [880, 0.12], saved: [1175, 0.14], rejected: [220, 0.25] }; // Hz, s
const LOUD = 0.08;
const CHOSEN = "handflow.sounds";
let context = null;

/** Whether tones are wanted. */
export function soundsOn() {
  return localStorage.getItem(CHOSEN) !== "off";
}

export function setSounds(on) {
  localStorage.setItem(CHOSEN, on ? "on" : "off");
}

/** Plays one of the tones; silent where the browser does not allow it yet. */
export function tone(name) {
  if (!soundsOn()) return;
  context ??= new AudioContext();
  const [pitch, seconds] = TONES[name];
  const now = context.currentTime;
  const source = new OscillatorNode(context, { frequency: pitch, type: "sine" });
  const volume = new GainNode(context, { gain: 0 });
  volume.gain.setValueAtTime(0, now);
  volume.gain.linearRampToValueAtTime(LOUD, now + 0.01);
  volume.gain.exponentialRampToValueAtTime(0.001, now + seconds);
  source.connect(volume).connect(context.destination);
  source.start(now);
  source.stop(now + seconds);
}
