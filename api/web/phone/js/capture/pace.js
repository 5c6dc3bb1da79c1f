// How many bytes a second a live capture may use: little enough for a poor network, enough to see a face.

/** Bytes a second. 480 kbit/s at most; below 110 kbit/s live guidance makes no sense, and the film is sent afterwards. */
export const MOST = 60_000;
export const LEAST = 14_000;

/** Frames are drawn in one of two sizes, three by four. */
export const SIZES = { usual: { width: 360, height: 480 }, small: { width: 264, height: 352 } };

export class Pace {
  /** @param {number} budget bytes a second to begin with */
  constructor(budget) {
    this.budget = Math.min(MOST, Math.max(LEAST, budget));
    this.quality = 0.6;
    this.lateSince = /** @type {number | null} */ (null);
    this.checkedAt = 0;
  }

  /** Frames a second. */
  get rate() {
    return this.budget < 30_000 ? 5 : 7;
  }

  /**
   * Look at what still waits to be sent; once or twice a second.
   * @param {number} waiting bytes @param {number} now milliseconds
   */
  see(waiting, now) {
    if (now - this.checkedAt < 500) return;
    this.checkedAt = now;
    if (waiting > this.budget * 0.8) {
      this.budget = Math.max(LEAST, this.budget * 0.7);
      this.lateSince ??= now;
    } else {
      this.lateSince = null;
      if (waiting < this.budget * 0.1) this.budget = Math.min(MOST, this.budget * 1.05);
    }
  }

  /** Learn from the size of a frame. @param {number} bytes */
  learn(bytes) {
    const ratio = this.budget / this.rate / bytes;
    this.quality = Math.min(0.8, Math.max(0.3, this.quality * Math.min(1.15, Math.max(0.85, Math.sqrt(ratio)))));
  }

  /** Whether the next frame must be left out. @param {number} waiting bytes */
  full(waiting) {
    return waiting > this.budget * 1.2;
  }

  /** Whether the network is too slow for this, for so long that nothing else helps. @param {number} now milliseconds */
  hopeless(now) {
    return this.lateSince !== null && now - this.lateSince > 5000 && this.budget <= LEAST * 1.01;
  }
}

/** What the browser knows of the network, in bytes a second. */
export function firstGuess() {
  const link = /** @type {any} */ (navigator).connection;
  if (!link) return MOST;
  if (link.effectiveType === "slow-2g" || link.effectiveType === "2g") return LEAST;
  return link.downlink ? Math.max(LEAST, (link.downlink * 1e6 * 0.4) / 8) : MOST;
}
