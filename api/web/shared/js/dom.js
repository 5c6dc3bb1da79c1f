// Building pages out of elements. Text is always text: nothing here parses HTML.

/** @typedef {Node | string | number | null | undefined | false | any[]} Child */

/**
 * Make an element. Properties that begin with "on" are listeners; "class" and attributes are set as they are.
 * @param {string} tag
 * @param {Record<string, any>} [props]
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

/** @param {Node} parent @param {Child[]} children */
export function append(parent, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(parent, child);
    else parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

const SVG = "http://www.w3.org/2000/svg";

/** @type {Record<string, string>} Paths on a grid of 24. */
const ICONS = {
  camera: "M4 8h3l2-3h6l2 3h3v11H4zM12 10a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7z",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.500 20c.8-4 3.800-6 7.500-6s6.700 2 7.500 6",
  gear: "M4 7h10M18 7h2M4 17h2M10 17h10M16 4.500v5M8 14.500v5",
  check: "M5 12.500l5 5L19.500 7",
  clock: "M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17zM12 7.500V12l3 2",
  warn: "M12 4l9 16H3zM12 10v5M12 17.500v.5",
  stop: "M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17zM8.500 8.500l7 7M15.500 8.500l-7 7",
  door: "M6 21V4h12v17M3 21h18M14.500 12.500v1",
  next: "M9 5l7 7-7 7",
  back: "M15 5l-7 7 7 7",
  light:
    "M12 3v2M4.500 6.500l1.500 1.500M19.500 6.500L18 8M3 14h2M19 14h2M8 14a4 4 0 1 1 8 0c0 2-1.500 2.500-1.500 5h-5c0-2.500-1.500-3-1.500-5z",
  eye: "M2.500 12s3.500-6 9.500-6 9.500 6 9.500 6-3.500 6-9.500 6-9.500-6-9.500-6zM12 9.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5z",
  ear: "M4 10v4h4l5 4V6l-5 4zM16.500 9c1.500 1.500 1.500 4.500 0 6M19 6.500c3 3 3 8 0 11",
  look: "M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17zM12 7v.5M12 11v6",
  turn_left: "M20 12H5M11 5l-7 7 7 7",
  turn_right: "M4 12h15M13 5l7 7-7 7",
  look_up: "M12 20V5M5 11l7-7 7 7",
  come_closer: "M4 4l6 6M10 5v5H5M20 4l-6 6M14 5v5h5M4 20l6-6M10 19v-5H5M20 20l-6-6M14 19v-5h5",
  smile: "M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17zM8 14c1 2 2.500 3 4 3s3-1 4-3M9 9v.5M15 9v.5",
  open_mouth:
    "M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17zM12 12.500a2.500 3 0 1 0 0 5.500 2.500 3 0 0 0 0-5.500zM9 9v.5M15 9v.5",
  blink: "M3 10c2 4 5.500 6 9 6s7-2 9-6M6 14l-2 3M12 16v3.500M18 14l2 3",
};

/** @param {string} name @param {string} [extra] @returns {SVGElement} */
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
 * A button that can be pressed once at a time; what it does may take a while.
 * @param {string} text
 * @param {() => unknown} action
 * @param {{kind?: string, icon?: string, type?: string}} [how]
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
  made.addEventListener("click", async (event) => {
    if (how.type === "submit") return;
    event.preventDefault();
    if (made.getAttribute("aria-busy")) return;
    made.setAttribute("aria-busy", "true");
    try {
      await action();
    } finally {
      made.removeAttribute("aria-busy");
    }
  });
  return made;
}
