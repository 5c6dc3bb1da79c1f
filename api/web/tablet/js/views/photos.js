/** @import { Shot } from "../draft.js" */
/** @import { Page } from "../pages.js" */
import { openCamera, stopCamera, CameraError } from "../capture/camera.js";
import { asking } from "../ask.js";
import { addShot, bytesOf, draftOf, dropShot, keepDraft } from "../draft.js";
import { button, changes, h } from "../dom.js";
import { Guide } from "../guide.js";
import { number, t } from "../i18n.js";
import { go } from "../pages.js";
import { FILM_MS, shrink, takeFilm, takePhoto } from "../photo.js";

/** How many photos of a face are wanted: more than one only helps against a moment of closed eyes. */
export const WANTED = 3;
const MOST = 5;
/** The result of a visit that ends with photos of a kind. @type {Record<string, string>} */
const RESULTS = { photo: "face", medical: "medical", document: "deceased" };

/**
 * Take photos for a visit with the rear camera.
 *
 * @param {object} options
 * @param {string} options.visit id of the visit
 * @param {string} [options.kind] what the photos show: "photo" for the face, "medical" or "document"
 * @param {boolean} [options.scan] read the code of a letter instead
 * @returns {Promise<Page>}
 */
export async function photos({ visit, kind = "photo", scan = false }) {
  const draft = await draftOf(visit);
  if (!draft) return { title: t("photos.title"), body: [button(t("app.home"), () => go("today"), { kind: "main" })] };
  const face = kind === "photo";
  const wanted = face ? WANTED : 1;
  const video = /** @type {HTMLVideoElement} */ (h("video", { autoplay: true, playsinline: true, muted: true }));
  video.muted = true;
  const advice = h("p", { class: "advice", role: "status" }, t("photos.starting"));
  const shots = h("ul", { class: "shots" });
  const problem = h("p", { class: "error", role: "alert", hidden: true });
  const onward = button(
    t("photos.next"),
    async () => {
      await keepDraft(draft);
      await go("sealing", { visit, result: RESULTS[kind] });
    },
    { kind: "main" },
  );
  const consent = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", checked: draft.consent }));
  changes(consent, async () => {
    draft.consent = consent.checked;
    await keepDraft(draft);
    await paint();
  });
  /** @type {MediaStream | null} */
  let stream = null;
  /** @type {string[]} */
  let addresses = [];
  /** A button that drops what was taken, so that it is taken again. @type {(shot: Shot, lost: string, yes: string) => HTMLElement} */
  const dropping = (shot, lost, yes) =>
    asking(t("photos.retake"), {
      loses: () => lost,
      yes,
      no: t("ask.keep"),
      kind: "",
      action: async () => {
        await dropShot(draft, shot);
        await paint();
      },
    });
  const paint = async () => {
    addresses.forEach((address) => URL.revokeObjectURL(address));
    addresses = [];
    const mine = draft.shots.filter((shot) => shot.kind === kind);
    const films = face ? draft.shots.filter((shot) => shot.kind === "video") : [];
    const items = [];
    for (const film of films) {
      const drop = dropping(film, t("photos.film.lost"), t("photos.film.yes"));
      items.push(h("li", { class: "film" }, h("p", {}, t("photos.film.one")), drop));
    }
    for (const [place, shot] of mine.entries()) {
      const address = URL.createObjectURL(new Blob([await bytesOf(draft, shot)], { type: "image/jpeg" }));
      addresses.push(address);
      const lost = t("photos.retake.lost", { count: number(place + 1) });
      const drop = dropping(shot, lost, t("photos.retake.yes"));
      items.push(h("li", {}, h("img", { src: address, alt: t("photos.shot", { count: number(place + 1) }) }), drop));
    }
    shots.replaceChildren(...items);
    const allowed = !face || draft.consent;
    onward.hidden = scan || mine.length < 1 || !allowed;
    take.hidden = scan || mine.length >= MOST || !allowed;
    byFile.hidden = take.hidden;
    film.hidden = !face || scan || !allowed || films.length > 0 || !("MediaRecorder" in window) || !stream;
    first.hidden = scan || allowed;
    count.textContent = scan
      ? t("photos.scan")
      : t("photos.count", { count: number(mine.length), wanted: number(wanted) });
  };
  const add = async (/** @type {Blob} */ blob) => {
    await addShot(draft, kind, blob);
    await paint();
  };
  const take = button(t("photos.take"), async () => add(await takePhoto(video)), { kind: "main", icon: "camera" });
  const film = button(
    t("photos.film", { seconds: number(FILM_MS / 1000) }),
    async () => {
      if (!stream) return;
      advice.textContent = t("photos.filming");
      await addShot(draft, "video", await takeFilm(stream));
      await paint();
    },
    { icon: "eye" },
  );
  const chosen = /** @type {HTMLInputElement} */ (
    h("input", {
      type: "file",
      accept: "image/*",
      capture: "environment",
      class: "sr",
      tabindex: "-1",
      "aria-hidden": "true",
    })
  );
  changes(chosen, async () => {
    const file = chosen.files?.[0];
    if (!file) return;
    const photo = await shrink(file).catch(() => null);
    problem.hidden = photo !== null;
    if (photo) await add(photo);
    else problem.textContent = t("photos.nofile");
  });
  const byFile = button(t("photos.file"), () => chosen.click(), { kind: "plain" });
  const first = h("p", { class: "hint" }, t("photos.first"));
  const count = h("p", { class: "quiet", role: "status" });
  let over = false;
  const guide = new Guide();
  const timer = setInterval(() => {
    const found = guide.look(video);
    if (found && !scan) advice.textContent = t(`advice.${found}`);
  }, 500);
  void (async () => {
    try {
      stream = await openCamera("environment", 1280);
      if (over) return stopCamera(stream);
      video.srcObject = stream;
      await paint();
      if (scan) advice.textContent = t("photos.scan");
      if (scan)
        await readLetter(
          video,
          () => over,
          async (secret) => {
            draft.who = { letter: secret, how: "letter" };
            draft.matches = null;
            await keepDraft(draft);
            await go("visit", { id: draft.visit }, { replace: true });
          },
        );
    } catch (error) {
      problem.textContent = t(`camera.${error instanceof CameraError ? error.trouble : "other"}`);
      problem.hidden = false;
      advice.textContent = t("photos.byfile");
    }
    return undefined;
  })();
  await paint();
  const body = [
    // Asked before the first photo: what was taken without consent would have to be deleted.
    face && !scan ? h("label", { class: "choice" }, consent, h("span", {}, t("photos.consent"))) : null,
    first,
    problem,
    h(
      "div",
      { class: "shooting" },
      h("div", { class: "viewfinder" }, video, advice),
      h("div", { class: "shutter" }, count, take, film),
    ),
    shots,
    onward,
    scan ? null : chosen,
    byFile,
  ];
  return {
    title: scan ? t("visit.letter") : t(`photos.${kind}`),
    back: "visit",
    body,
    leave: () => {
      over = true;
      clearInterval(timer);
      stopCamera(stream);
      addresses.forEach((address) => URL.revokeObjectURL(address));
    },
  };
}

/**
 * Look for the code of a letter in the camera's picture.
 *
 * @param {HTMLVideoElement} video
 * @param {() => boolean} over tells when to stop
 * @param {(secret: string) => unknown} found called once, with the secret of the letter
 */
async function readLetter(video, over, found) {
  const detector = new /** @type {any} */ (window).BarcodeDetector({ formats: ["qr_code"] });
  while (!over()) {
    const codes = video.videoWidth ? await detector.detect(video).catch(() => []) : [];
    for (const code of codes) {
      const secret = /#l=([A-Za-z0-9_-]{10,100})$/.exec(code.rawValue)?.[1];
      if (secret) return void (await found(secret));
    }
    await new Promise((done) => setTimeout(done, 250));
  }
}
