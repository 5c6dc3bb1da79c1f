// A visit that was begun. It is kept encrypted after every step, so that it survives the end of the battery.

import { start } from "./clock.js";
import { erase, keys, within } from "./store.js";
import { hide, hideBytes, show, showBytes } from "./work.js";
import { newKey } from "./api.js";

/**
 * A photo of a draft: what it shows, and the name under which its bytes are kept.
 *
 * @typedef {{kind: string, name: string}} Shot
 */

/**
 * What the agent has entered so far.
 *
 * @typedef {object} DraftEntries
 * @property {string} visit id of the visit
 * @property {string | null} person id of the person; null when the visit is not on the list
 * @property {string} name of the person; empty when it is not known
 * @property {boolean} agentShown whether the code that identifies the agent was shown
 * @property {{card_number?: string, letter?: string, how: "card" | "name" | "letter"} | null} who how the person was
 *   identified
 * @property {boolean | null} matches whether the card number is that of the person; null when it is not known
 * @property {boolean} consent whether the person agreed to be recognised by the face
 * @property {Shot[]} shots
 * @property {string} whyNoFace
 * @property {{name: string, relation: string}[]} witnesses
 * @property {{kind: string, declared: string}[]} slots readings of other devices
 * @property {{informant: string, relation: string, died_on: string | null} | null} death
 * @property {string} movedTo
 * @property {string} note
 */

/** @typedef {import("./clock.js").Start & DraftEntries} Draft */

/**
 * Make the draft of a visit that begins now; it is not kept yet.
 *
 * @param {string} visit id of the visit
 * @param {Service.StopOut | null} stop null when the visit is not on the list
 * @returns {Promise<Draft>}
 */
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

/**
 * Return the draft of a visit.
 *
 * @param {string} visit id of the visit
 * @returns {Promise<Draft | undefined>} undefined when the visit was not begun
 */
export const draftOf = (visit) => show("drafts", visit);

/**
 * Keep a draft as it is now.
 *
 * @param {Draft} draft
 */
export const keepDraft = (draft) => hide("drafts", draft.visit, draft);

/**
 * Return the ids of the visits that were begun.
 *
 * @returns {Promise<string[]>}
 */
export const begun = async () => (await keys("drafts")).map(String).filter((name) => !name.includes("/"));

/**
 * Add a photo to a draft, and keep both.
 *
 * @param {Draft} draft
 * @param {string} kind what the photo shows
 * @param {Blob} blob a JPEG
 */
export async function addShot(draft, kind, blob) {
  const name = newKey();
  await hideBytes("drafts", `${draft.visit}/${name}`, await blob.arrayBuffer());
  draft.shots.push({ kind, name });
  await keepDraft(draft);
}

/**
 * Delete a photo of a draft.
 *
 * @param {Draft} draft
 * @param {Shot} shot
 */
export async function dropShot(draft, shot) {
  draft.shots = draft.shots.filter((each) => each !== shot);
  await keepDraft(draft);
  await erase("drafts", `${draft.visit}/${shot.name}`);
}

/**
 * Return the bytes of a photo.
 *
 * @param {Draft} draft
 * @param {Shot} shot
 * @returns {Promise<import("./bytes.js").Bytes>}
 * @throws {Error} when the photo is not there
 */
export const bytesOf = async (draft, shot) => {
  const bytes = await showBytes("drafts", `${draft.visit}/${shot.name}`);
  if (!bytes) throw new Error("a photo is gone");
  return bytes;
};

/**
 * Delete a draft with its photos.
 *
 * @param {string} visit id of the visit
 */
export const dropDraft = (visit) =>
  within(["drafts"], "readwrite", (at) => {
    at("drafts").delete(visit);
    at("drafts").delete(IDBKeyRange.bound(`${visit}/`, `${visit}/~`));
  });

/**
 * Draw the id of a visit that is not on the list.
 *
 * @returns {string} a UUID
 */
export function newVisit() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const hex = newKey() + newKey();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
