// Ask the camera for another setting at the moment of the plan, and take it back. The film must show it.

import { keep, recall } from "../device.js";

/** How much less light, in EV, and how much larger. */
const DARKER = 1.5;
const LARGER = 1.3;
/** Remembers that this phone's camera refused or ignored a command, so that it is not asked again. */
export const REFUSED = "nocommand";

/**
 * A number that a camera can be set to.
 *
 * @typedef {{min: number, max: number, step?: number}} Range
 */

/**
 * Return what a camera must be set to for a command, and what it is set to now; null when it cannot do it.
 *
 * Only settings that change the picture without opening the camera again: another resolution ends a recording in some
 * browsers, and the service sees no frame rate, because frames are sent at a lower one.
 *
 * @param {MediaStreamTrack} track
 * @param {"exposure" | "zoom"} kind
 * @returns {{set: object, back: object} | null}
 */
export function settingFor(track, kind) {
  if (!track.getCapabilities || recall(REFUSED)) return null;
  const can = /** @type {{exposureCompensation?: Range, zoom?: Range}} */ (track.getCapabilities());
  const now = /** @type {{exposureCompensation?: number, zoom?: number, exposureMode?: string}} */ (
    track.getSettings()
  );
  if (kind === "exposure") {
    const range = can.exposureCompensation;
    const value = now.exposureCompensation ?? 0;
    // In manual mode some drivers use this value for the time of exposure.
    if (!range || now.exposureMode === "manual" || range.max <= 0 || value - DARKER < range.min) return null;
    return { set: { exposureCompensation: value - DARKER }, back: { exposureCompensation: value } };
  }
  const range = can.zoom;
  const value = now.zoom ?? 1;
  if (!range || value <= 0 || value * LARGER > range.max) return null;
  return { set: { zoom: value * LARGER }, back: { zoom: value } };
}

/**
 * Return the commands that a camera can carry out, as the service stores them.
 *
 * @param {MediaStream} stream
 * @returns {("exposure" | "zoom")[]}
 */
export function commandsOf(stream) {
  const [track] = stream.getVideoTracks();
  return /** @type {const} */ (["exposure", "zoom"]).filter((kind) => track && settingFor(track, kind) !== null);
}

/** Gives the command of a plan to a camera. */
export class Commander {
  /** @param {MediaStream} stream of the camera */
  constructor(stream) {
    this.track = stream.getVideoTracks()[0];
    this.can = commandsOf(stream);
    this.back = /** @type {object | null} */ (null);
  }

  /**
   * Give the command or take it back, as the moment demands.
   *
   * @param {number | null} ms since the first frame; null when nothing is recorded
   * @param {Service.CommandOut[]} commands of the plan; the first one that the camera has is given
   */
  at(ms, commands) {
    const command = commands.find((each) => this.can.includes(each.kind));
    const due = command && ms !== null && ms >= command.from_ms && ms < command.to_ms;
    if (due && !this.back) {
      const setting = settingFor(this.track, command.kind);
      if (!setting) return;
      this.back = setting.back;
      this.apply(setting.set);
    } else if (!due && this.back) {
      this.apply(this.back);
      this.back = null;
    }
  }

  /** @param {object} setting */
  apply(setting) {
    const wanted = /** @type {MediaTrackConstraintSet} */ (setting);
    this.track.applyConstraints({ advanced: [wanted] }).catch(() => keep(REFUSED, "1"));
  }
}
