// Note what the camera and the phone do during a capture: the service looks for contradictions (docs/phone.md).
// Nothing here asks the person for anything, and nothing here helps a capture; what a phone does not tell costs nothing.

/**
 * @typedef {{min: number | null, max: number | null}} Range
 * @typedef {[number, number, number, number]} Sample milliseconds of `performance.now()`, and degrees a second
 *
 * @typedef {object} Abilities what the browser says that a camera is able to do
 * @property {Range | null} width
 * @property {Range | null} height
 * @property {Range | null} frame_rate
 * @property {Range | null} zoom
 * @property {Range | null} exposure
 * @property {boolean} torch
 * @property {string[]} facing
 */

/** Milliseconds over which the motion sensor is averaged, and most samples that are kept. */
const SAMPLE_MS = 50;
const MOST = 1000;
const SIDES = ["user", "environment", "left", "right"];

/**
 * Return a bounded number, or null: what a browser says must never make the service refuse a capture.
 *
 * @param {unknown} value
 * @param {number} most
 */
const bounded = (value, most) =>
  typeof value === "number" && Number.isFinite(value) ? Math.max(-most, Math.min(most, value)) : null;

/** @param {any} said @returns {Range | null} */
const range = (said) =>
  said && typeof said === "object" ? { min: bounded(said.min, 1e6), max: bounded(said.max, 1e6) } : null;

/** @param {unknown} value @param {number} most */
const whole = (value, most) => {
  const found = bounded(value, most);
  return found !== null && found >= 1 ? Math.round(found) : null;
};

/**
 * Return what the browser says that a camera is able to do.
 *
 * @param {MediaStreamTrack} track
 * @returns {Abilities | null} null if the browser does not say it
 */
export function abilities(track) {
  if (!track.getCapabilities) return null;
  const can = /** @type {any} */ (track.getCapabilities());
  return {
    width: range(can.width),
    height: range(can.height),
    frame_rate: range(can.frameRate),
    zoom: range(can.zoom),
    exposure: range(can.exposureCompensation),
    torch: can.torch === true || (Array.isArray(can.torch) && can.torch.includes(true)),
    facing: Array.isArray(can.facingMode)
      ? can.facingMode.filter((/** @type {unknown} */ side) => SIDES.includes(String(side))).slice(0, 4)
      : [],
  };
}

/** Watches camera and phone from the beginning of a capture to its end. */
export class Witness {
  /**
   * @param {MediaStream} stream of the camera
   * @param {HTMLVideoElement} video that shows it
   * @param {AbortSignal} signal ends the watch
   */
  constructor(stream, video, signal) {
    this.track = stream.getVideoTracks()[0];
    this.video = video;
    this.first = abilities(this.track);
    this.pictures = 0;
    this.since = performance.now();
    /** @type {Sample[]} */
    this.motion = [];
    this.told = 0;
    this.sum = [0, 0, 0, 0];
    this.begun = 0;
    const count = () => {
      this.pictures += 1;
      if (!signal.aborted) video.requestVideoFrameCallback(count);
    };
    if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(count);
    // iPhones ask the person before a page may read the sensor. The page never asks: there it is without one.
    window.addEventListener("devicemotion", (event) => this.turned(event), { signal });
  }

  /** @param {DeviceMotionEvent} event */
  turned(event) {
    const rate = event.rotationRate;
    const speeds = [bounded(rate?.alpha, 2000), bounded(rate?.beta, 2000), bounded(rate?.gamma, 2000)];
    if (speeds.includes(null)) return;
    const now = performance.now();
    if (!this.sum[3]) this.begun = now;
    speeds.forEach((speed, axis) => (this.sum[axis] += /** @type {number} */ (speed)));
    this.sum[3] += 1;
    if (now - this.begun < SAMPLE_MS) return;
    const [a, b, c, count] = this.sum;
    const mean = [a, b, c].map((total) => Math.round((100 * total) / count) / 100);
    this.motion.push([Math.round((this.begun + now) / 2), mean[0], mean[1], mean[2]]);
    this.sum = [0, 0, 0, 0];
    if (this.motion.length > MOST) {
      this.motion.shift();
      this.told = Math.max(0, this.told - 1);
    }
  }

  /** What is known at the beginning. */
  atFirst() {
    const set = /** @type {MediaTrackSettings & {displaySurface?: string}} */ (this.track.getSettings());
    return {
      first: this.first,
      has_device_id: Boolean(set.deviceId),
      // Tracks of a canvas or a script have a class of their own, and those of a screen name its surface.
      drawn: this.track.constructor.name !== "MediaStreamTrack" || Boolean(set.displaySurface),
      replaced: !/\[native code\]/.test(Function.prototype.toString.call(navigator.mediaDevices.getUserMedia)),
      phone: /Android.*Mobile|iPhone/.test(navigator.userAgent),
      touch_points: Math.min(256, navigator.maxTouchPoints ?? 0),
    };
  }

  /** What is known later. */
  later() {
    const seconds = (performance.now() - this.since) / 1000;
    return {
      last: abilities(this.track),
      last_label: this.track.label.slice(0, 200) || null,
      shown_width: whole(this.video.videoWidth, 16_384),
      shown_height: whole(this.video.videoHeight, 16_384),
      shown_rate: this.pictures && seconds > 3 ? Math.min(1000, Math.round((10 * this.pictures) / seconds) / 10) : null,
    };
  }

  /** Return the samples of the sensor that were not returned yet, at most two hundred. @returns {Sample[]} */
  news() {
    const found = this.motion.slice(this.told, this.told + 200);
    this.told += found.length;
    return found;
  }

  /**
   * Return the samples since a moment, with times counted from it.
   *
   * @param {number} begin of `performance.now()`
   * @returns {Sample[]}
   */
  from(begin) {
    return this.motion.filter(([at]) => at >= begin).map(([at, a, b, c]) => [at - Math.round(begin), a, b, c]);
  }
}
