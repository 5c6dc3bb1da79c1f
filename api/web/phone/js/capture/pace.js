// How many bytes a second a live capture sends: few enough for a poor network, enough to show a face.

/** Bytes a second at most: 480 kbit/s. */
export const MOST = 60_000;
/**
 * Bytes a second at least: 200 kbit/s. With less, five frames a second no longer show a face, and the capture is
 * recorded and sent afterwards.
 */
export const LEAST = 25_000;

/** Two sizes of frames, three by four, in pixels. */
export const SIZES = { usual: { width: 312, height: 416 }, small: { width: 240, height: 320 } };
/** Lowest JPEG quality. */
const WORST = 0.3;

/** The rate and quality of the frames of one capture. */
export class Pace {
  /** @param {number} budget bytes a second to begin with */
  constructor(budget) {
    this.budget = Math.min(MOST, Math.max(LEAST, budget));
    this.quality = 0.6;
    this.bytes = 8000;
    this.lateSince = /** @type {number | null} */ (null);
    this.checkedAt = 0;
  }

  /** @returns {number} frames a second */
  get rate() {
    return Math.min(7, Math.max(5, this.budget / this.bytes));
  }

  /**
   * Adapt to what was sent and is not answered yet, at most twice a second. The browser's own count of unsent bytes
   * tells less, because most bytes wait in the buffers of the phone.
   *
   * @param {number} waiting bytes without an answer
   * @param {number} now milliseconds
   */
  see(waiting, now) {
    if (now - this.checkedAt < 500) return;
    this.checkedAt = now;
    if (waiting > this.budget) {
      this.budget = Math.max(LEAST, this.budget * 0.7);
      this.lateSince ??= now;
    } else {
      this.lateSince = null;
      if (waiting < this.budget * 0.4) this.budget = Math.min(MOST, this.budget * 1.04);
    }
  }

  /**
   * Adapt the quality to the size of a frame.
   *
   * @param {number} bytes
   */
  learn(bytes) {
    this.bytes = 0.8 * this.bytes + 0.2 * bytes;
    const ratio = this.budget / 6 / bytes;
    this.quality = Math.min(0.8, Math.max(WORST, this.quality * Math.min(1.15, Math.max(0.85, Math.sqrt(ratio)))));
  }

  /**
   * Tell whether the next frame must be left out.
   *
   * @param {number} waiting bytes without an answer
   * @returns {boolean}
   */
  full(waiting) {
    return waiting > this.budget * 1.5;
  }

  /**
   * Tell whether the network has been too slow for a live capture for some seconds.
   *
   * @param {number} now milliseconds
   * @returns {boolean}
   */
  hopeless(now) {
    return this.lateSince !== null && now - this.lateSince > 2500 && this.budget <= LEAST * 1.01;
  }
}

/**
 * Guess the pace to begin with from what the browser knows of the network.
 *
 * @returns {number} bytes a second
 */
export function firstGuess() {
  const link = /** @type {any} */ (navigator).connection;
  if (!link) return MOST;
  if (link.effectiveType === "slow-2g" || link.effectiveType === "2g") return LEAST;
  return link.downlink ? Math.max(LEAST, (link.downlink * 1e6 * 0.4) / 8) : MOST;
}
