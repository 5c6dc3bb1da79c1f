// Where the tablet is, and the distance and direction to the next door, for use without a map.

/** @typedef {{latitude: number, longitude: number, accuracy_m: number}} Place degrees (WGS 84) and metres */
/** @typedef {{latitude: number | null, longitude: number | null}} Point degrees (WGS 84); null when it is not known */

const PATIENCE_MS = 8000;

/**
 * Ask the tablet where it is.
 *
 * @returns {Promise<Place | null>} null when the tablet does not tell in time
 */
export function whereAmI() {
  return new Promise((resolve) => {
    if (!navigator.geolocation) return resolve(null);
    const late = setTimeout(() => resolve(null), PATIENCE_MS + 500);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        clearTimeout(late);
        resolve({ latitude: coords.latitude, longitude: coords.longitude, accuracy_m: Math.min(coords.accuracy, 1e6) });
      },
      () => {
        clearTimeout(late);
        resolve(null);
      },
      { enableHighAccuracy: true, timeout: PATIENCE_MS, maximumAge: 60_000 },
    );
  });
}

/**
 * Return the distance and direction from one place to another. The earth is taken as flat, which is right for a day's
 * way.
 *
 * @param {Point} from
 * @param {Point} to
 * @returns {{metres: number, wind: "n" | "ne" | "e" | "se" | "s" | "sw" | "w" | "nw"} | null} null when a place is
 *   unknown
 */
export function wayTo(from, to) {
  if (from.latitude === null || from.longitude === null || to.latitude === null || to.longitude === null) return null;
  const rad = Math.PI / 180;
  const north = (to.latitude - from.latitude) * rad;
  const east = (to.longitude - from.longitude) * rad * Math.cos(((from.latitude + to.latitude) / 2) * rad);
  const turn = (Math.atan2(east, north) / rad + 360) % 360;
  const winds = /** @type {const} */ (["n", "ne", "e", "se", "s", "sw", "w", "nw"]);
  return { metres: Math.hypot(north, east) * 6_371_000, wind: winds[Math.round(turn / 45) % 8] };
}
