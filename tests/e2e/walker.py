"""Press every control of a page while something is wrong, and tell which of them say nothing.

The controls are found in the running page. Faults are made where the page meets the world: its requests, its storage
(``localStorage`` and ``sessionStorage``) and its camera.
"""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

FAULTS = ("no network", "signed out", "the service fails", "no camera", "no room")

WALKER = r"""
(() => {
  const real = { fetch: window.fetch.bind(window), camera: navigator.mediaDevices?.getUserMedia };
  const good = new Map();
  let fault = null;
  let effects = 0;
  const broken = [];
  addEventListener("error", (event) => broken.push(String(event.message)));
  addEventListener("popstate", () => (effects += 1));
  const click = HTMLElement.prototype.click;
  HTMLElement.prototype.click = function () {
    // A program of the phone opens for a file, or the browser saves one: that is seen.
    if (this.type === "file" || this.hasAttribute("download")) return void (effects += 1);
    return click.call(this);
  };
  Object.defineProperty(Navigator.prototype, "onLine", { get: () => fault !== "no network" });
  const answer = (status, body) => new Response(JSON.stringify(body), { status });
  window.fetch = async (path, request = {}) => {
    const method = request.method ?? "GET";
    if (fault === "no network") throw new TypeError("Failed to fetch");
    if (!String(path).startsWith("/v1/")) return await real.fetch(path, request);
    if (fault === "signed out") return answer(401, { code: "token_refused", detail: "Not signed in." });
    if (fault === "the service fails") return answer(500, { code: "internal", detail: "x" });
    if (method !== "GET" && fault) {
      if (/\/sessions$/.test(path)) return answer(201, window.walked.session);
      if (/\/consent$/.test(path)) return answer(200, {});
      return answer(500, { code: "internal", detail: "x" });
    }
    if (!good.has(path)) {
      const found = await real.fetch(path, request);
      good.set(path, [await found.blob(), found.status, [...found.headers]]);
    }
    const [body, status, headers] = good.get(path);
    return new Response(status === 204 ? null : body, { status, headers });
  };
  if (navigator.mediaDevices)
    navigator.mediaDevices.getUserMedia = async (how) => {
      if (fault === "no camera") throw new DOMException("denied", "NotAllowedError");
      return await real.camera.call(navigator.mediaDevices, how);
    };
  const set = Storage.prototype.setItem;
  Storage.prototype.setItem = function (...entry) {
    if (fault === "no room") throw new DOMException("full", "QuotaExceededError");
    return set.apply(this, entry);
  };

  const shownIn = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== "hidden";
  const CONTROLS = "header.top button, main :is(button, select, input[type=radio], input[type=checkbox])";
  const controls = () =>
    [...document.querySelectorAll(CONTROLS)]
      .filter((each) => shownIn(each) && !each.checked);
  const name = (each) =>
    (each.getAttribute("aria-label") ?? (each.closest("label") ?? each).textContent ?? each.id).trim().slice(0, 40);
  const words = () => document.querySelector("main").innerText;
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

  const use = (each) => {
    if (each.tagName === "SELECT") {
      each.selectedIndex = (each.selectedIndex + 1) % each.options.length;
      each.dispatchEvent(new Event("change", { bubbles: true }));
      effects += 1; // the browser shows what was chosen
      return;
    }
    if (["radio", "checkbox"].includes(each.type)) effects += 1; // the same
    const typed = { day: "19", month: "11", year: "1956", number: "CARD000001", digits: "123456" };
    for (const field of each.closest("form")?.querySelectorAll("input[type=text]") ?? [])
      field.value ||= typed[field.id] ?? "words";
    each.click();
  };

  /** Press each control of a page under a fault, each time on the page shown again. */
  window.walk = async (page, options, wrong) => {
    const base = document.querySelector("meta[name=base]").content;
    const { go } = await import(`${base}js/pages.js`);
    const silent = [];
    let pressed = 0;
    for (let place = 0; ; place += 1) {
      fault = null;
      await window.walked.reset?.(base);
      await go(page, options, { replace: true });
      const found = controls();
      if (place >= found.length) return { silent, pressed, broken: broken.splice(0) };
      const each = found[place];
      const title = document.querySelector("main h1");
      const before = words();
      const count = effects;
      fault = wrong;
      pressed += 1;
      const label = name(each);
      use(each);
      const seen = () =>
        effects > count ||
        (words() !== before && words().trim().length > 10) ||
        (document.querySelector("main h1") !== title && words().trim().length > 10);
      for (let turn = 0; turn < 100 && !seen(); turn += 1) await sleep(turn < 20 ? 5 : 25);
      if (!seen()) silent.push(label);
      for (let turn = 0; turn < 60 && each.isConnected && each.getAttribute("aria-busy"); turn += 1) await sleep(25);
      if (words().includes("undefined")) silent.push(`${label}: undefined`);
    }
  };
})();
"""


def walk(page: Page, states: dict[str, tuple[str, dict[str, Any]]], faults: tuple[str, ...] = FAULTS) -> list[str]:
    """Press every control of every state under every fault.

    Args:
        page: a page of the app, with ``WALKER`` loaded and ``window.walked.session`` set.
        states: views of the app with their options, by the name that a failure shows.
        faults: those to make.

    Returns:
        The controls that gave no words, and the errors that nothing caught.
    """
    found: list[str] = []
    for fault in faults:
        pressed = 0
        for state, (name, options) in states.items():
            told = page.evaluate(
                "([name, options, fault]) => window.walk(name, options, fault)", [name, options, fault]
            )
            found += [f"{fault}, {state}: {each}" for each in (*told["silent"], *told["broken"])]
            pressed += told["pressed"]
        assert pressed > len(states), f"{fault}: hardly anything was pressed"
    return found
