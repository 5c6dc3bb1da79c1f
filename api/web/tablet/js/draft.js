// A visit that was begun: kept encrypted after every step, so that a tablet that dies in the middle goes on there.

import { start } from "./clock.js";
import { erase, keys, within } from "./store.js";
import { hide, hideBytes, show, showBytes } from "./work.js";
import { newKey } from "./api.js";

/**
 * @typedef {{kind: string, name: string}} Shot
 * @typedef {import("./clock.js").Start & {
 *   visit: string, person: string | null, name: string, agentShown: boolean,
 *   who: {card_number?: string, letter?: string, how: "card" | "name" | "letter"} | null, matches: boolean | null,
 *   consent: boolean, shots: Shot[], whyNoFace: string, witnesses: {name: string, relation: string}[],
 *   slots: {kind: string, declared: string}[], death: {informant: string, relation: string, died_on: string | null} | null,
 *   movedTo: string, note: string,
 * }} Draft
 */

/** @param {string} visit @param {import("./sync.js").Stop | null} stop @returns {Promise<Draft>} */
export async function begin(visit, stop) {
  return {
    ...(await start()),
    visit,
    person: stop?.person_id ?? null,
    name: stop?.name ?? "",
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
export const draftOf = (visit) => show("drafts", visit);

/** @param {Draft} draft */
export const keepDraft = (draft) => hide("drafts", draft.visit, draft);

/** Visits that were begun. @returns {Promise<string[]>} */
export const begun = async () => (await keys("drafts")).map(String).filter((name) => !name.includes("/"));

/** @param {Draft} draft @param {string} kind @param {Blob} blob */
export async function addShot(draft, kind, blob) {
  const name = newKey();
  await hideBytes("drafts", `${draft.visit}/${name}`, await blob.arrayBuffer());
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
export const bytesOf = async (draft, shot) => {
  const bytes = await showBytes("drafts", `${draft.visit}/${shot.name}`);
  if (!bytes) throw new Error("a photo is gone");
  return bytes;
};

/** @param {string} visit */
export const dropDraft = (visit) =>
  within(["drafts"], "readwrite", (at) => {
    at("drafts").delete(visit);
    at("drafts").delete(IDBKeyRange.bound(`${visit}/`, `${visit}/~`));
  });

/** Number of a visit that is not on the list. */
export function newVisit() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const hex = newKey() + newKey();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
