// A visit that was begun: kept encrypted after every step, so that a tablet that dies in the middle goes on there.

import { stamp } from "./clock.js";
import { erase, keys, read, within, write } from "./store.js";
import { hide, hideBytes, show, showBytes } from "./work.js";
import { newKey } from "./api.js";

/**
 * @typedef {{kind: string, name: string}} Shot
 * @typedef {{
 *   visit: string, person: string | null, name: string, began: ReturnType<typeof stamp>, agentShown: boolean,
 *   who: {card_number?: string, letter?: string, how: "card" | "name" | "letter"} | null, matches: boolean | null,
 *   consent: boolean, shots: Shot[], whyNoFace: string, witnesses: {name: string, relation: string}[],
 *   slots: {kind: string, declared: string}[], death: {informant: string, relation: string, died_on: string | null} | null,
 *   movedTo: string, note: string,
 * }} Draft
 */

/** @param {import("./sync.js").Stop | null} stop @returns {Draft} */
export function begin(stop) {
  return {
    visit: stop?.visit_id ?? uuid(),
    person: stop?.person_id ?? null,
    name: stop?.name ?? "",
    began: stamp(),
    agentShown: false,
    who: null,
    matches: null,
    consent: false,
    shots: [],
    whyNoFace: "",
    witnesses: [],
    slots: [],
    death: null,
    movedTo: "",
    note: "",
  };
}

/** @param {string} visit @returns {Promise<Draft | undefined>} */
export const draftOf = async (visit) => await show(await read("drafts", visit));

/** @param {Draft} draft */
export const keepDraft = async (draft) => await write("drafts", draft.visit, await hide(draft));

/** Visits that were begun. @returns {Promise<string[]>} */
export const begun = async () => (await keys("drafts")).map(String).filter((name) => !name.includes("/"));

/** @param {Draft} draft @param {string} kind @param {Blob} blob */
export async function addShot(draft, kind, blob) {
  const name = newKey();
  await write("drafts", `${draft.visit}/${name}`, await hideBytes(await blob.arrayBuffer()));
  draft.shots.push({ kind, name });
  await keepDraft(draft);
}

/** @param {Draft} draft @param {Shot} shot */
export async function dropShot(draft, shot) {
  draft.shots = draft.shots.filter((each) => each !== shot);
  await keepDraft(draft);
  await erase("drafts", `${draft.visit}/${shot.name}`);
}

/** @param {Draft} draft @param {Shot} shot */
export const bytesOf = async (draft, shot) => await showBytes(await read("drafts", `${draft.visit}/${shot.name}`));

/** @param {string} visit */
export const dropDraft = (visit) =>
  within(["drafts"], "readwrite", (at) => {
    at("drafts").delete(visit);
    at("drafts").delete(IDBKeyRange.bound(`${visit}/`, `${visit}/~`));
  });

function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const hex = newKey() + newKey();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
