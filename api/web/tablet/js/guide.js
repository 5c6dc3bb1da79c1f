// Advice on the camera's picture without the service: light, sharpness, and whether the tablet is held still.

/** Width to which pictures are shrunk, in pixels. */
const WIDE = 160;

/**
 * Grey levels, of 255. These and the values below were chosen by eye on photos of this project; they only advise,
 * because the service measures the photos itself.
 */
const DARK = 45;
const BRIGHT = 215;
/** How much darker the middle may be than the rim; more means light from behind. */
const BEHIND = 60;
/** Variance of the Laplacian below which a face is blurred. */
const BLUR = 18;
/** Mean change from the picture before, in grey levels, above which the tablet shakes. */
const SHAKE = 14;

/** @typedef {"dark" | "bright" | "behind" | "shaking" | "blurred" | "good"} Advice */

/** Advises on one picture after another. */
export class Guide {
  #canvas = document.createElement("canvas");
  /** @type {Float32Array | null} */
  #before = null;

  /**
   * Advise on the present picture.
   *
   * @param {HTMLVideoElement} video
   * @returns {Advice | null} null when there is no picture yet
   */
  look(video) {
    if (!video.videoWidth) return null;
    const tall = Math.round((WIDE * video.videoHeight) / video.videoWidth);
    this.#canvas.width = WIDE;
    this.#canvas.height = tall;
    const draw = this.#canvas.getContext("2d", { willReadFrequently: true });
    if (!draw) return null;
    draw.drawImage(video, 0, 0, WIDE, tall);
    const grey = greyOf(draw.getImageData(0, 0, WIDE, tall).data);
    const shaking = this.#before && this.#before.length === grey.length ? meanChange(this.#before, grey) : 0;
    this.#before = grey;
    return adviceOf(grey, WIDE, tall, shaking);
  }
}

/**
 * Advise on a grey picture.
 *
 * @param {Float32Array} grey levels, row by row
 * @param {number} wide pixels
 * @param {number} tall pixels
 * @param {number} shaking mean change from the picture before, in grey levels
 * @returns {Advice}
 */
export function adviceOf(grey, wide, tall, shaking) {
  let middle = 0;
  let rim = 0;
  let inside = 0;
  for (let y = 0; y < tall; y += 1) {
    for (let x = 0; x < wide; x += 1) {
      const value = grey[y * wide + x];
      if (Math.abs(x - wide / 2) < wide / 5 && Math.abs(y - tall / 2) < tall / 3) {
        middle += value;
        inside += 1;
      } else rim += value;
    }
  }
  middle /= inside;
  rim /= wide * tall - inside;
  if (middle < DARK) return rim - middle > BEHIND ? "behind" : "dark";
  if (middle > BRIGHT) return "bright";
  if (rim - middle > BEHIND) return "behind";
  if (shaking > SHAKE) return "shaking";
  return sharpness(grey, wide, tall) < BLUR ? "blurred" : "good";
}

/** Return the luma (ITU-R BT.601) of pixels. @param {Uint8ClampedArray} pixels as RGBA */
function greyOf(pixels) {
  const grey = new Float32Array(pixels.length / 4);
  for (let at = 0; at < grey.length; at += 1)
    grey[at] = 0.299 * pixels[4 * at] + 0.587 * pixels[4 * at + 1] + 0.114 * pixels[4 * at + 2];
  return grey;
}

/** @param {Float32Array} one @param {Float32Array} other */
function meanChange(one, other) {
  let sum = 0;
  for (let at = 0; at < one.length; at += 1) sum += Math.abs(one[at] - other[at]);
  return sum / one.length;
}

/**
 * Return the variance of the Laplacian in the middle of the picture.
 *
 * @param {Float32Array} grey
 * @param {number} wide pixels
 * @param {number} tall pixels
 */
function sharpness(grey, wide, tall) {
  let sum = 0;
  let squares = 0;
  let count = 0;
  for (let y = Math.floor(tall / 6); y < (tall * 5) / 6; y += 1) {
    for (let x = Math.floor(wide / 4); x < (wide * 3) / 4; x += 1) {
      const at = y * wide + x;
      const value = 4 * grey[at] - grey[at - 1] - grey[at + 1] - grey[at - wide] - grey[at + wide];
      sum += value;
      squares += value * value;
      count += 1;
    }
  }
  return squares / count - (sum / count) ** 2;
}
