// What lies on the tablet: sealed visits, which nobody here can open, and work that only the signed-in agent can.

/**
 * kv: small things by name. day: the day's work, encrypted. drafts: visits begun, encrypted, by visit.
 * bundles: sealed visits, numbered in the order in which they were sealed, until the service has them. told: what came
 * of them, by visit.
 * @typedef {"kv" | "day" | "drafts" | "bundles" | "told"} Store
 * @typedef {{tablet?: string, seq: number, sha256: string, visit: string, data: ArrayBuffer, sealedAt: number}} Sealed
 */

const STORES = /** @type {Store[]} */ (["kv", "day", "drafts", "bundles", "told"]);
/** @type {Promise<IDBDatabase> | undefined} */
let base;

/** @returns {Promise<IDBDatabase>} */
function open() {
  base ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open("certify-tablet", 1);
    asked.onupgradeneeded = () => {
      for (const name of STORES) asked.result.createObjectStore(name);
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  return base;
}

/**
 * Do something in one transaction. What was written is on the disk when this returns ("strict"), so that a tablet that
 * loses its power the next moment has lost nothing.
 * @template T
 * @param {Store[]} stores @param {IDBTransactionMode} mode
 * @param {(store: (name: Store) => IDBObjectStore) => IDBRequest<T> | void} work
 * @returns {Promise<T>}
 */
export async function within(stores, mode, work) {
  const database = await open();
  return await new Promise((resolve, reject) => {
    const step = database.transaction(stores, mode, { durability: "strict" });
    const asked = work((name) => step.objectStore(name));
    step.oncomplete = () => resolve(/** @type {T} */ (asked ? asked.result : undefined));
    step.onerror = step.onabort = () => reject(step.error);
  });
}

/** @param {Store} store @param {IDBValidKey} key @returns {Promise<any>} */
export const read = (store, key) => within([store], "readonly", (at) => at(store).get(key));

/** @param {Store} store @param {IDBValidKey} key @param {any} value */
export const write = (store, key, value) => within([store], "readwrite", (at) => void at(store).put(value, key));

/** @param {Store} store @param {IDBValidKey} key */
export const erase = (store, key) => within([store], "readwrite", (at) => void at(store).delete(key));

/** @param {Store} store @returns {Promise<any[]>} */
export const all = (store) => within([store], "readonly", (at) => at(store).getAll());

/** @param {Store} store @returns {Promise<any[]>} */
export const keys = (store) => within([store], "readonly", (at) => at(store).getAllKeys());

/** Ask the browser not to clear this away when room gets short. */
export const stay = async () => void (await navigator.storage?.persist?.().catch(() => false));
