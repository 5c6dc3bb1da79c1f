// Keep the app on the device, so that it opens without a network. Data is never kept here.

const FAMILY = "certify-{{family}}-";
const NAME = `${FAMILY}{{version}}`;
const SHELL = {{shell}};
const HOME = "{{home}}";
/** How long people wait for a network that does not answer before they get the page that the device has. */
const PATIENCE_MS = 3000;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(NAME)
      .then((cache) => cache.addAll(SHELL))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => names.filter((name) => name.startsWith(FAMILY) && name !== NAME))
      .then((older) => Promise.all(older.map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  if (event.request.method !== "GET" || address.origin !== location.origin) return;
  if (address.pathname.startsWith("/v1/")) return;
  if (event.request.mode === "navigate") {
    if (address.pathname !== HOME) return;
    const kept = () => caches.match(HOME);
    const never = new Promise(() => {});
    const late = new Promise((done) => setTimeout(done, PATIENCE_MS)).then(kept).then((found) => found ?? never);
    // When a proxy answers that the service is away, the kept page is shown too. Redirects are left to the browser.
    const good = (answer) => answer.ok || answer.type === "opaqueredirect";
    const orKept = async (answer) => (good(answer) ? answer : ((await kept()) ?? answer));
    const fresh = fetch(event.request).then(orKept, kept);
    event.respondWith(Promise.race([fresh, late]));
  } else if (address.pathname.startsWith("/app/")) {
    // The address names the content, so what is kept is never outdated.
    event.respondWith(caches.match(event.request).then((found) => found ?? fetch(event.request)));
  }
});
