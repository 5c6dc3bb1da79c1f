// Where the tablet is, and how one gets from here to the next door without a map.

/** @typedef {{latitude: number, longitude: number, accuracy_m: number}} Place */

const PATIENCE_MS = 8000;

/** @returns {Promise<Place | null>} null when it cannot be told; nobody is kept waiting for it */
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
 * Distance in metres and the one of eight winds, from one place to another.
 * @param {{latitude: number | null, longitude: number | null}} from @param {{latitude: number | null, longitude: number | null}} to
 * @returns {{metres: number, wind: "n" | "ne" | "e" | "se" | "s" | "sw" | "w" | "nw"} | null}
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
