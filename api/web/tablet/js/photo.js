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
