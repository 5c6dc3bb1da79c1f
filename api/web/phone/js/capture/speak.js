// Saying aloud what stands on the screen, for eyes that cannot read it in time, with a short buzz.

import { recall } from "../device.js";
import { current, LANGUAGES } from "../i18n.js";

export const speechIsOn = () => recall("speech") !== "off";

let last = "";

/** @param {string} text @param {{force?: boolean}} [how] `force`: also when the same was said just before. */
export function speak(text, how = {}) {
  if (!speechIsOn() || !("speechSynthesis" in window) || (text === last && !how.force)) return;
  last = text;
  const wanted = LANGUAGES[current()].voice;
  const voices = speechSynthesis.getVoices();
  const voice =
    voices.find((each) => each.lang.replace("_", "-") === wanted) ??
    voices.find((each) => each.lang.startsWith(wanted.slice(0, 2)));
  // Read by a voice of another language it would only confuse.
  if (voices.length && !voice) return;
  speechSynthesis.cancel();
  const said = new SpeechSynthesisUtterance(text);
  said.lang = wanted;
  if (voice) said.voice = voice;
  said.rate = 0.92;
  speechSynthesis.speak(said);
}

export function hush() {
  last = "";
  if ("speechSynthesis" in window) speechSynthesis.cancel();
}

/** @param {number | number[]} pattern milliseconds */
export function buzz(pattern) {
  if ("vibrate" in navigator) navigator.vibrate(pattern);
}
