// Seal a visit: encrypt it to the service, sign it by the tablet, and chain it to the visit before. In one transaction
// the sealed visit is stored, which this tablet cannot read, the chain grows, and the draft is deleted.

import { join, sha256, u32, utf8 } from "./bytes.js";
import { lastAnchor, stamp } from "./clock.js";
import { seal as hpke } from "./hpke.js";
import { all, keys, read, within } from "./store.js";
import { own, publicKey, signingKey } from "./tablet.js";

const MAGIC = utf8("CERTIFYV1\n");
const INFO = utf8("certify visit 1");

/**
 * Return what the first visit of a tablet names as the visit before it.
 *
 * @returns {Promise<string>} a SHA-256 in hexadecimal digits
 */
export async function chainStart() {
  const { x, y } = await publicKey();
  return await sha256(utf8(`certify chain|${(await own())?.id}|${x}|${y}`));
}

/**
 * Return the last link of the chain.
 *
 * @returns {Promise<Service.ChainOut>}
 */
export const head = async () => (await read("kv", "head")) ?? { seq: 0, sha256: await chainStart() };

/**
 * Seal a visit.
 *
 * @param {string} visit id of the visit
 * @param {Record<string, unknown>} entries what the agent entered, without clocks and parts
 * @param {import("./clock.js").Start} start the beginning of the visit
 * @param {{kind: string, data: ArrayBuffer | Uint8Array}[]} parts the photos
 * @returns {Promise<import("./store.js").Sealed>} the one that waits already, if another page has sealed this visit
 * @throws {Error} when the tablet is not enrolled
 */
export async function sealVisit(visit, entries, start, parts) {
  // Two open pages of one tablet must not take the same place in the chain.
  return await navigator.locks.request("certify-chain", async () => {
    const tablet = await own();
    const key = await read("kv", "serviceKey");
    // A visit that an older release of this page began has no signed time of its own.
    const anchor = start.anchor ?? (await lastAnchor());
    if (!tablet || !key || !anchor) throw new Error("the tablet is not enrolled");
    const waiting = /** @type {import("./store.js").Sealed[]} */ (await all("bundles"));
    const same = waiting.find((each) => each.visit === visit);
    if (same) return same; // another page of this tablet has sealed it; a second one would be refused as repeated
    const before = await head();
    const clocks = { ...anchor, began: start.began, sealed: stamp() };
    const listed = parts.map((part) => ({ kind: part.kind, size: part.data.byteLength }));
    const text = utf8(JSON.stringify({ ...entries, clocks, parts: listed }));
    const plain = join(u32(text.length), text, ...parts.map((part) => part.data));
    const said = utf8(
      JSON.stringify({ tablet: tablet.id, visit, seq: before.seq + 1, previous: before.sha256, key: key.kid }),
    );
    const front = join(MAGIC, u32(said.length), said);
    const signed = join(front, await hpke(key, INFO, front, plain));
    const signature = await crypto.subtle.sign(
      { name: "ECDSA", hash: "SHA-256" },
      (await signingKey()).privateKey,
      signed,
    );
    const data = join(signed, signature);
    const made = {
      tablet: tablet.id,
      seq: before.seq + 1,
      sha256: await sha256(data),
      visit,
      data: data.buffer,
      sealedAt: Date.now(),
    };
    // Its place in the chain is not a key: a visit sealed before a new enrolment may have the same place.
    const number = Math.max(0, ...(await keys("bundles"))) + 1;
    await within(["bundles", "kv", "drafts"], "readwrite", (at) => {
      at("bundles").add(made, number);
      at("kv").put({ seq: made.seq, sha256: made.sha256 }, "head");
      at("drafts").delete(visit);
      at("drafts").delete(IDBKeyRange.bound(`${visit}/`, `${visit}/~`));
    });
    return made;
  });
}
