// Make photos that are small enough to be kept on the tablet and sent over a poor network.

import { CameraError } from "./capture/camera.js";

/** Longer side in pixels. The service compares faces of 112 pixels; a face fills at least a fifth of such a photo. */
export const LONG_SIDE = 1280;
/** JPEG quality. */
const QUALITY = 0.82;

/**
 * Take a photo from the running camera.
 *
 * @param {HTMLVideoElement} video
 * @returns {Promise<Blob>} a JPEG
 * @throws {CameraError} when the camera gives no picture
 */
export async function takePhoto(video) {
  if (!video.videoWidth) throw new CameraError("other");
  const canvas = document.createElement("canvas");
  const scale = Math.min(1, LONG_SIDE / Math.max(video.videoWidth, video.videoHeight));
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d")?.drawImage(video, 0, 0, canvas.width, canvas.height);
  return await pressed(canvas);
}

/**
 * Make a file that the agent chose as small as a photo taken here.
 *
 * @param {Blob} file
 * @returns {Promise<Blob>} a JPEG
 * @throws {DOMException} when the file is no picture
 */
export async function shrink(file) {
  const picture = await createImageBitmap(file);
  const canvas = document.createElement("canvas");
  const scale = Math.min(1, LONG_SIDE / Math.max(picture.width, picture.height));
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return await pressed(canvas);
}

/** @param {HTMLCanvasElement} canvas @returns {Promise<Blob>} */
function pressed(canvas) {
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no photo"))), "image/jpeg", QUALITY),
  );
}

/** Length of the film of a visit, in milliseconds: enough to see a person move, and small on a poor network. */
export const FILM_MS = 4000;
/** Bits a second of the film: 0.3 MB in all. */
const FILM_BITS = 600_000;

/**
 * Film what the running camera shows.
 *
 * @param {MediaStream} stream
 * @returns {Promise<Blob>} WebM or MP4, as the browser makes it
 * @throws {Error} when the browser makes none
 */
export async function takeFilm(stream) {
  const recorder = new MediaRecorder(stream, { videoBitsPerSecond: FILM_BITS });
  /** @type {Blob[]} */
  const parts = [];
  recorder.ondataavailable = ({ data }) => void parts.push(data);
  const stopped = new Promise((resolve, reject) => {
    recorder.onstop = resolve;
    recorder.onerror = () => reject(new Error("no film"));
  });
  recorder.start();
  await new Promise((done) => setTimeout(done, FILM_MS));
  recorder.stop();
  await stopped;
  const film = new Blob(parts, { type: recorder.mimeType });
  if (!film.size) throw new Error("no film");
  return film;
}
