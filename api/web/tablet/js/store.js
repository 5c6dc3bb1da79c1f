// The database of the tablet: sealed visits, which the tablet cannot read, and the work of the signed-in agent.

/**
 * One of the stores. `kv`: small things by name. `day`: the day's work, encrypted. `drafts`: visits that were begun,
 * encrypted, by visit. `bundles`: sealed visits, numbered in the order in which they were sealed, until the service has
 * them. `told`: what the service says of them, by visit.
 *
 * @typedef {"kv" | "day" | "drafts" | "bundles" | "told"} Store
 */

/**
 * A sealed visit. `seq`: its place in the chain of the tablet. `sealedAt`: milliseconds since 1970.
 *
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
 * Do something in one transaction. When this returns, all that was written is on the disk ("strict"), so that a tablet
 * that loses its power then has lost nothing.
 *
 * @template T
 * @param {Store[]} stores that the transaction needs
 * @param {IDBTransactionMode} mode
 * @param {(store: (name: Store) => IDBObjectStore) => IDBRequest<T> | void} work
 * @returns {Promise<T>} what the request found that `work` returned
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

/**
 * Read one value.
 *
 * @param {Store} store
 * @param {IDBValidKey} key
 * @returns {Promise<any>} undefined when there is none
 */
export const read = (store, key) => within([store], "readonly", (at) => at(store).get(key));

/**
 * Write one value.
 *
 * @param {Store} store
 * @param {IDBValidKey} key
 * @param {unknown} value
 */
export const write = (store, key, value) => within([store], "readwrite", (at) => void at(store).put(value, key));

/**
 * Delete one value.
 *
 * @param {Store} store
 * @param {IDBValidKey} key
 */
export const erase = (store, key) => within([store], "readwrite", (at) => void at(store).delete(key));

/**
 * Read all values of a store, in the order of their keys.
 *
 * @param {Store} store
 * @returns {Promise<any[]>}
 */
export const all = (store) => within([store], "readonly", (at) => at(store).getAll());

/**
 * Return all keys of a store, in order.
 *
 * @param {Store} store
 * @returns {Promise<any[]>}
 */
export const keys = (store) => within([store], "readonly", (at) => at(store).getAllKeys());

/** Ask the browser not to delete the database when the disk is full. */
export const stay = async () => void (await navigator.storage?.persist?.().catch(() => false));
