// The screen of a capture: one big sentence, the oval with the person's face, and a ring that shows the progress.

import { button, h, icon } from "../dom.js";
import { t } from "../i18n.js";
import { buzz, speak } from "./speak.js";

const SVG = "http://www.w3.org/2000/svg";

/** The screen of one capture. */
export class Stage {
  /**
   * @param {object} how
   * @param {boolean} how.mirror whether the picture is shown as in a mirror
   * @param {boolean} how.helper whether another person holds the phone
   * @param {() => void} how.stop what the button to stop does
   * @param {(() => void) | null} how.turn what the button for the other camera does; null for no such button
   */
  constructor({ mirror, helper, stop, turn }) {
    this.mirror = mirror;
    this.title = h("h1", { tabindex: "-1" }, t("capture.starting"));
    this.small = h("p", { class: "small" }, helper ? t("capture.helper") : "");
    this.video = /** @type {HTMLVideoElement} */ (
      h("video", { playsinline: true, muted: true, autoplay: true, "aria-hidden": "true" })
    );
    this.video.muted = true;
    this.ring = ring("ring done");
    const frame = document.createElementNS(SVG, "svg");
    frame.setAttribute("viewBox", "0 0 75 100");
    frame.setAttribute("aria-hidden", "true");
    frame.append(ring("ring"), this.ring);
    this.arrow = h("div", { class: "arrow", hidden: true });
    this.wash = h("div", { class: "wash", hidden: true, "aria-hidden": "true" });
    this.element = h(
      "section",
      { class: "stage" },
      h("div", { class: "say", "aria-live": "assertive", "aria-atomic": "true" }, this.title, this.small),
      h("div", { class: "view" }, h("div", { class: `oval${mirror ? " mirror" : ""}` }, this.video, frame, this.arrow)),
      h("div", { class: "foot" }, button(t("capture.stop"), stop), turn ? button(t("capture.turn"), turn) : null),
      this.wash,
    );
    this.progress(0);
    this.said = "";
    this.prompt = /** @type {string | null} */ (null);
  }

  /**
   * Show a sentence, and read it aloud if it is a new one.
   *
   * @param {string} text
   * @param {string} [small] a second sentence, in small letters
   * @param {{buzz?: boolean}} [how] `buzz`: vibrate with a new sentence
   */
  say(text, small = "", how = {}) {
    if (text !== this.said) {
      this.said = text;
      this.title.textContent = text;
      speak(text);
      if (how.buzz) buzz(120);
    }
    if (this.small.textContent !== small) this.small.textContent = small;
  }

  /**
   * Show a prompt as a picture too.
   *
   * @param {string | null} prompt null for none
   */
  show(prompt) {
    if (this.prompt === prompt) return;
    this.prompt = prompt;
    // In a mirror a person's left is on the left side; to another person who films them it is on the right side.
    const swapped = /** @type {Record<string, string>} */ ({ turn_left: "turn_right", turn_right: "turn_left" });
    const name = prompt && !this.mirror ? (swapped[prompt] ?? prompt) : prompt;
    this.arrow.replaceChildren(...(name ? [icon(name)] : []));
    this.arrow.hidden = !name;
    this.element.dataset.prompt = prompt ?? "";
  }

  /**
   * Show the progress.
   *
   * @param {number} share 0 to 1
   */
  progress(share) {
    const length = 100;
    this.ring.setAttribute("pathLength", String(length));
    this.ring.setAttribute("stroke-dasharray", `${Math.max(0, Math.min(1, share)) * length} ${length * 2}`);
  }

  /**
   * Fill the screen with a colour.
   *
   * @param {string | null} colour null for none
   */
  flash(colour) {
    this.wash.hidden = colour === null;
    if (colour !== null) this.wash.style.backgroundColor = colour;
  }
}

/** What comes back after a prompt, where it is not the head. */
const PARTS = ["come_closer", "smile", "open_mouth"];

/**
 * Return the key of the text that asks a person back.
 *
 * @param {string} prompt what they do until then
 */
export const backText = (prompt) => `prompt.back.${PARTS.includes(prompt) ? prompt : "head"}`;

/** @param {string} name classes */
function ring(name) {
  const made = document.createElementNS(SVG, "ellipse");
  for (const [key, value] of Object.entries({
    cx: "37.5",
    cy: "50",
    rx: "30",
    ry: "45.5",
    class: name,
    transform: "rotate(-90 37.5 50) scale(1 1)",
  }))
    made.setAttribute(key, value);
  // The quarter turn above starts the ring at the top; drawn with the axes exchanged, the ellipse stands upright.
  made.setAttribute("rx", "45.5");
  made.setAttribute("ry", "30");
  return made;
}
