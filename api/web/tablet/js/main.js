// The agents' app. All of it is loaded at once, because at the next door there may be no network.

/** @import { View } from "./pages.js" */
import { t } from "./i18n.js";
import { go, keepOffline, start, takeSecret } from "./pages.js";
import { call, Problem } from "./api.js";
import { erase, read, stay } from "./store.js";
import { own } from "./tablet.js";
import { isOpen, lockOf, signedIn, watchWork } from "./work.js";
import { enrol } from "./views/enrol.js";
import { settings } from "./views/settings.js";
import { signin } from "./views/signin.js";
import { unlock } from "./views/unlock.js";
import { today } from "./views/today.js";
import { visit } from "./views/visit.js";
import { photos } from "./views/photos.js";
import { noface } from "./views/noface.js";
import { other } from "./views/other.js";
import { sealing } from "./views/sealing.js";
import { slip } from "./views/slip.js";

/** End the sign-in at the service if the agent signed out without a network. The route stays until the next sign-in. */
async function signOutLater() {
  if (!(await read("kv", "signOut")) || !navigator.onLine) return;
  try {
    await call("/v1/tablet/sign-out", { method: "POST", tries: 0 });
  } catch (error) {
    if (!(error instanceof Problem && error.status === 401)) return; // tried again when the network is back
  }
  await erase("kv", "signOut");
}

/** Return the name of the first page, which depends on the tablet and on whether its agent is signed in. */
async function first() {
  if (!(await own())) return "enrol";
  if (!(await signedIn())) return "signin";
  if (await isOpen()) return "today";
  return (await lockOf())?.how === "none" ? "signin" : "unlock";
}

/** Show the first page. @param {Record<string, unknown>} options @returns {Promise<import("./pages.js").Page>} */
async function home(options) {
  const name = await first();
  return await VIEWS[name](options);
}

/**
 * Make a view of the day's work, which is shown while the work is open; else the first page is shown.
 *
 * @param {View} view
 * @returns {View}
 */
const ofWork = (view) => async (options) => ((await isOpen()) ? await view(options) : await home({}));

/** @type {Record<string, View>} */
const VIEWS = {
  home,
  enrol,
  signin,
  unlock,
  today: ofWork(today),
  visit: ofWork(visit),
  photos: ofWork(photos),
  noface: ofWork(noface),
  other: ofWork(other),
  sealing: ofWork(sealing),
  slip: ofWork(slip),
  settings,
};

async function main() {
  const invitation = takeSecret("e");
  await start({
    views: Object.fromEntries(Object.entries(VIEWS).map(([name, view]) => [name, () => view])),
    home: "home",
    signIn: () => ({ title: t("signin.title"), go: () => go("signin") }),
    passing: ["photos", "sealing", "enrol", "unlock"],
    said: { tablet_refused: "error.tablet", agent_suspended: "error.tablet" },
  });
  window.addEventListener("online", () => void signOutLater());
  await signOutLater();
  watchWork(() => void go("home", {}, { replace: true }));
  if (invitation) await go("enrol", { secret: invitation.secret }, { replace: true });
  else await go("home", {}, { replace: true });
  await keepOffline("/agent/sw.js", "/agent");
  await stay();
}

main().catch(() => {
  // Without texts, nothing but what the first page brought can be said.
  for (const [id, hidden] of Object.entries({ boot: true, failed: false })) {
    const found = document.getElementById(id);
    if (found) found.hidden = hidden;
  }
});
