// Sealing a visit: encrypted for the service, signed by the tablet, chained to the visit before. In one step it becomes
// unreadable here, takes its place in the chain, and what it was made of is deleted.

import { join, sha256, u32, utf8 } from "./bytes.js";
import { lastAnchor, stamp } from "./clock.js";
import { seal as hpke } from "./hpke.js";
import { keys, read, within } from "./store.js";
import { own, publicKey, signingKey } from "./tablet.js";

const MAGIC = utf8("CERTIFYV1\n");
const INFO = utf8("certify visit 1");

/** @typedef {{seq: number, sha256: string}} Head */

/** What the first visit of a tablet names as the one before. */
export async function chainStart() {
  const { x, y } = await publicKey();
  return await sha256(utf8(`certify chain|${(await own())?.id}|${x}|${y}`));
}

/** @returns {Promise<Head>} */
export const head = async () => (await read("kv", "head")) ?? { seq: 0, sha256: await chainStart() };

/**
 * Seal a visit.
 * @param {string} visit @param {Record<string, any>} entries without clocks and parts
 * @param {import("./clock.js").Start} start @param {{kind: string, data: ArrayBuffer | Uint8Array}[]} parts
 * @returns {Promise<import("./store.js").Sealed>}
 */
export async function sealVisit(visit, entries, start, parts) {
  // Two open pages of one tablet must not give out the same place twice.
  return await navigator.locks.request("certify-chain", async () => {
    const tablet = await own();
    const key = await read("kv", "serviceKey");
    // What an older release of this page began has none of its own.
    const anchor = start.anchor ?? (await lastAnchor());
    if (!tablet || !key || !anchor) throw new Error("the tablet is not enrolled");
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
    // Not its place in the chain: what this tablet sealed before it was enrolled anew may have the same.
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
