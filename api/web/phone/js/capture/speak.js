// Read aloud what is on the screen, and vibrate, for people who cannot read it in time.

import { recall } from "../device.js";
import { current, LANGUAGES } from "../i18n.js";

/**
 * Tell whether sentences are read aloud on this device.
 *
 * @returns {boolean}
 */
export const speechIsOn = () => recall("speech") !== "off";

let last = "";

/**
 * Read a sentence aloud, in place of the one that is being read.
 *
 * @param {string} text
 * @param {{force?: boolean}} [how] `force`: also when the same sentence was the last one
 */
export function speak(text, how = {}) {
  if (!speechIsOn() || !("speechSynthesis" in window) || (text === last && !how.force)) return;
  last = text;
  const wanted = LANGUAGES[current()].voice;
  const voices = speechSynthesis.getVoices();
  const voice =
    voices.find((each) => each.lang.replace("_", "-") === wanted) ??
    voices.find((each) => each.lang.startsWith(wanted.slice(0, 2)));
  // A voice of another language would only confuse.
  if (voices.length && !voice) return;
  speechSynthesis.cancel();
  const said = new SpeechSynthesisUtterance(text);
  said.lang = wanted;
  if (voice) said.voice = voice;
  said.rate = 0.92;
  speechSynthesis.speak(said);
}

/** Stop reading aloud. */
export function hush() {
  last = "";
  if ("speechSynthesis" in window) speechSynthesis.cancel();
}

/**
 * Vibrate, if the phone can.
 *
 * @param {number | number[]} pattern milliseconds on, off, on and so on
 */
export function buzz(pattern) {
  if ("vibrate" in navigator) navigator.vibrate(pattern);
}
