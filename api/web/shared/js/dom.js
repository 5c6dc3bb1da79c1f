// Build pages out of elements. Text is always set as text: nothing here parses HTML.

/** @typedef {Node | string | number | null | undefined | false | any[]} Child */

/**
 * Make an element.
 *
 * @param {string} tag
 * @param {Record<string, any>} [props] attributes, and listeners, whose names begin with "on"; what is false, null or
 *   undefined is left out
 * @param {...Child} children
 * @returns {HTMLElement}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "srcObject") /** @type {any} */ (element)[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

/**
 * Append children, and the children in lists; what is false, null or undefined is left out.
 *
 * @param {Node} parent
 * @param {Child[]} children
 */
export function append(parent, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(parent, child);
    else parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

const SVG = "http://www.w3.org/2000/svg";

/** @type {Record<string, string>} Paths on a grid of 24 by 24. */
const ICONS = {
  camera: "M4 8h3l2-3h6l2 3h3v11H4zM12 10a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20c.8-4 3.8-6 7.5-6s6.7 2 7.5 6",
  gear: "M4 7h10M18 7h2M4 17h2M10 17h10M16 4.5v5M8 14.5v5",
  check: "M5 12.5l5 5L19.5 7",
  clock: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 7.5V12l3 2",
  warn: "M12 4l9 16H3zM12 10v5M12 17.5v.5",
  stop: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM8.5 8.5l7 7M15.5 8.5l-7 7",
  door: "M6 21V4h12v17M3 21h18M14.5 12.5v1",
  next: "M9 5l7 7-7 7",
  back: "M15 5l-7 7 7 7",
  light:
    "M12 3v2M4.5 6.5l1.5 1.5M19.5 6.5L18 8M3 14h2M19 14h2M8 14a4 4 0 1 1 8 0c0 2-1.5 2.5-1.5 5h-5c0-2.5-1.5-3-1.5-5z",
  eye: "M2.5 12s3.5-6 9.5-6 9.5 6 9.5 6-3.5 6-9.5 6-9.5-6-9.5-6zM12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
  ear: "M4 10v4h4l5 4V6l-5 4zM16.5 9c1.5 1.5 1.5 4.5 0 6M19 6.5c3 3 3 8 0 11",
  look: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 7v.5M12 11v6",
  turn_left: "M20 12H5M11 5l-7 7 7 7",
  turn_right: "M4 12h15M13 5l7 7-7 7",
  look_up: "M12 20V5M5 11l7-7 7 7",
  come_closer: "M4 4l6 6M10 5v5H5M20 4l-6 6M14 5v5h5M4 20l6-6M10 19v-5H5M20 20l-6-6M14 19v-5h5",
  come_back: "M3 12h6M6 9l3 3-3 3M21 12h-6M18 9l-3 3 3 3",
  hold_back: "M10 10L4 4M4 9V4h5M14 10l6-6M15 4h5v5M10 14l-6 6M4 15v5h5M14 14l6 6M15 20h5v-5",
  smile: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM8 14c1 2 2.5 3 4 3s3-1 4-3M9 9v.5M15 9v.5",
  open_mouth:
    "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 12.5a2.5 3 0 1 0 0 5.5 2.5 3 0 0 0 0-5.5zM9 9v.5M15 9v.5",
  blink: "M3 10c2 4 5.5 6 9 6s7-2 9-6M6 14l-2 3M12 16v3.5M18 14l2 3",
};

/**
 * Make an icon, which screen readers skip.
 *
 * @param {string} name one of `ICONS`
 * @param {string} [extra] classes
 * @returns {SVGElement}
 */
export function icon(name, extra = "icon") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", extra);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name] ?? ICONS.look);
  for (const [key, value] of Object.entries({
    fill: "none",
    stroke: "currentColor",
    "stroke-width": "2",
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
  }))
    path.setAttribute(key, value);
  svg.appendChild(path);
  return svg;
}

/**
 * Make a button. While its action runs, a second press does nothing.
 *
 * @param {string} text
 * @param {() => unknown} action not called for a button of the type "submit", which its form listens to
 * @param {{kind?: string, icon?: string, type?: string}} [how] `kind`: "main", "plain" or "danger"
 * @returns {HTMLButtonElement}
 */
export function button(text, action, how = {}) {
  const made = /** @type {HTMLButtonElement} */ (
    h(
      "button",
      { type: how.type ?? "button", class: how.kind ?? "" },
      how.icon ? icon(how.icon, `icon${how.icon === "back" || how.icon === "next" ? " turns" : ""}`) : null,
      h("span", {}, text),
    )
  );
  made.addEventListener("click", (event) => {
    if (how.type === "submit") return;
    event.preventDefault();
    void attempt(made, action);
  });
  return made;
}

/** Says beside a control what failed. @type {(error: unknown, at: HTMLElement) => void} */
let say = (error) => {
  throw error;
};

/**
 * Set how an app says what failed.
 *
 * @param {(error: unknown, at: HTMLElement) => void} how called with the control that was used
 */
export function sayWith(how) {
  say = how;
}

/**
 * Do what a control is for. What fails is said beside it: this is the one place that catches it, for every control.
 * While the action runs, using the control again does nothing.
 *
 * @param {HTMLElement} at the control
 * @param {() => unknown} action
 */
export async function attempt(at, action) {
  if (at.getAttribute("aria-busy")) return;
  at.setAttribute("aria-busy", "true");
  for (const said of document.querySelectorAll("[data-trouble]")) said.remove();
  try {
    await action();
  } catch (error) {
    say(error, at);
  } finally {
    at.removeAttribute("aria-busy");
  }
}

/**
 * Do something when a form is sent.
 *
 * @param {HTMLElement} form with a button of the type "submit"
 * @param {() => unknown} action
 */
export function submits(form, action) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void attempt(form.querySelector("button[type=submit]") ?? form, action);
  });
}

/**
 * Do something when a field was changed.
 *
 * @template {HTMLElement} T
 * @param {T} field
 * @param {() => unknown} action
 * @returns {T} the same field
 */
export function changes(field, action) {
  field.addEventListener("change", () => void attempt(field, action));
  return field;
}
