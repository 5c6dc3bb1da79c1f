// How many bytes a second a live capture may use: little enough for a poor network, enough to see a face.

/**
 * Bytes a second. 480 kbit/s at most. Below 200 kbit/s five frames a second would show no face any more; then the film is
 * recorded and sent afterwards.
 */
export const MOST = 60_000;
export const LEAST = 25_000;

/** Frames are drawn in one of two sizes, three by four. */
export const SIZES = { usual: { width: 312, height: 416 }, small: { width: 240, height: 320 } };
const WORST = 0.3;

export class Pace {
  /** @param {number} budget bytes a second to begin with */
  constructor(budget) {
    this.budget = Math.min(MOST, Math.max(LEAST, budget));
    this.quality = 0.6;
    this.bytes = 8000;
    this.lateSince = /** @type {number | null} */ (null);
    this.checkedAt = 0;
  }

  /** Frames a second. */
  get rate() {
    return Math.min(7, Math.max(5, this.budget / this.bytes));
  }

  /**
   * Look at what was sent and not answered yet; once or twice a second. Answers tell more than what the browser says is
   * waiting: most of what waits, waits in the phone's own buffers.
   * @param {number} waiting bytes @param {number} now milliseconds
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

  /** Learn from the size of a frame. @param {number} bytes */
  learn(bytes) {
    this.bytes = 0.8 * this.bytes + 0.2 * bytes;
    const ratio = this.budget / 6 / bytes;
    this.quality = Math.min(0.8, Math.max(WORST, this.quality * Math.min(1.15, Math.max(0.85, Math.sqrt(ratio)))));
  }

  /** Whether the next frame must be left out. @param {number} waiting bytes */
  full(waiting) {
    return waiting > this.budget * 1.5;
  }

  /** Whether the network is too slow for this, for so long that nothing else helps. @param {number} now milliseconds */
  hopeless(now) {
    return this.lateSince !== null && now - this.lateSince > 2500 && this.budget <= LEAST * 1.01;
  }
}

/** What the browser knows of the network, in bytes a second. */
export function firstGuess() {
  const link = /** @type {any} */ (navigator).connection;
  if (!link) return MOST;
  if (link.effectiveType === "slow-2g" || link.effectiveType === "2g") return LEAST;
  return link.downlink ? Math.max(LEAST, (link.downlink * 1e6 * 0.4) / 8) : MOST;
}
