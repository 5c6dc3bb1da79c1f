// Keeps the page itself on the device, so that it opens without a network. Data is never kept here.

const FAMILY = "certify-{{family}}-";
const NAME = `${FAMILY}{{version}}`;
const SHELL = {{shell}};
const HOME = "{{home}}";
/** On a network that is there and does nothing, people do not wait for what they have already. */
const PATIENCE_MS = 3000;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(SHELL)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys().then((names) => Promise.all(names.filter((name) => name.startsWith(FAMILY) && name !== NAME).map((name) => caches.delete(name)))).then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  if (event.request.method !== "GET" || address.origin !== location.origin || address.pathname.startsWith("/v1/")) return;
  if (event.request.mode === "navigate") {
    if (address.pathname !== HOME) return;
    const kept = () => caches.match(HOME);
    const late = new Promise((done) => setTimeout(done, PATIENCE_MS)).then(kept).then((found) => found ?? new Promise(() => {}));
    // A proxy that says the service is away is no reason either. Where an answer leads elsewhere, the browser follows.
    const fresh = fetch(event.request).then(async (answer) => (answer.ok || answer.type === "opaqueredirect" ? answer : ((await kept()) ?? answer)), kept);
    event.respondWith(Promise.race([fresh, late]));
  } else if (address.pathname.startsWith("/app/")) {
    // The address names the content, so what is kept never grows old.
    event.respondWith(caches.match(event.request).then((found) => found ?? fetch(event.request)));
  }
});
