// SPDX-License-Identifier: GPL-3.0-or-later
//
// What all parts of a report page share: making elements, writing numbers, themes, the tooltip.
// The files of this folder are joined in name order into one module; the last starts the page.

/**
 * Makes an element. `attributes` holds attributes; of these `class`, `text` and `on…` are special:
 * `text` becomes textContent (never markup), a function under `onclick` a listener of `click`.
 * null, undefined and false leave an attribute out.
 */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "text") element.textContent = value;
    else if (typeof value === "function") element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

let lastIdentifier = 0;
/** An identifier for an element that another must refer to. */
function freshId(prefix) {
  lastIdentifier += 1;
  return `${prefix}-${lastIdentifier}`;
}

/** A link if the address is one of the web or of this page, otherwise plain text. */
function linkOrText(text, url) {
  const isSafe = typeof url === "string" && /^(https?:\/\/|#)/i.test(url);
  return isSafe ? make("a", { href: url, rel: "noopener noreferrer", text }) : make("span", { text });
}

/** A number in words: `digits` after the point, or about four significant ones if null. */
function formatNumber(value, digits = null) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  return plainNumber(value, digits).replace("-", "−").replace("e-", "e−");
}

function plainNumber(value, digits) {
  if (digits !== null && digits !== undefined) return numberFormat(digits, digits).format(value);
  if (Number.isInteger(value)) return numberFormat(0, 0).format(value);
  const size = Math.abs(value);
  if (size < 1e-4) return value.toExponential(2);
  const places = Math.max(0, 3 - Math.floor(Math.log10(size)));
  return numberFormat(0, places).format(value);
}

const numberFormats = new Map();
/** A format with so many places, made once: making one takes longer than writing a number. */
function numberFormat(least, most) {
  const key = `${least} ${most}`;
  if (!numberFormats.has(key)) {
    numberFormats.set(key, new Intl.NumberFormat("en-US", { minimumFractionDigits: least, maximumFractionDigits: most }));
  }
  return numberFormats.get(key);
}

/** A title and its unit: "Time per token (ms)". */
function titleWithUnit(title, unit) {
  return unit ? `${title} (${unit})` : title;
}

/** Lets the browser paint before the next part is drawn. */
function nextPaint() {
  return new Promise((resolve) => {
    // A page in the background gets no animation frames, hence the timer.
    const timer = setTimeout(resolve, 50);
    requestAnimationFrame(() => { clearTimeout(timer); setTimeout(resolve, 0); });
  });
}

/** Calls `work` once the calls have stopped for a frame, with many calls in one frame as one. */
function oncePerFrame(work) {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => { isAsked = false; work(); });
  };
}

// Themes ------------------------------------------------------------------------------------

/**
 * Okabe and Ito's colours, told apart by people with any common colour blindness, in an order that
 * keeps neighbours far apart in lightness on both grounds. Black is replaced by a middle grey.
 */
const PALETTE = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#8c8c8c", "#F0E442"];

/** Which theme is on, and who redraws when it changes. */
const theme = {
  listeners: [],
  systemDark: matchMedia("(prefers-color-scheme: dark)"),
  printing: matchMedia("print"),

  get isDark() {
    if (this.printing.matches || this.isPrinting) return false;
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : this.systemDark.matches;
  },

  /** The colours as CSS resolves them now, for canvases and charts. */
  get colors() {
    const key = `${this.isDark} ${Boolean(this.isPrinting)}`;
    if (this.colorsFor !== key) {
      this.colorsFor = key;
      this.foundColors = this.findColors();
    }
    return this.foundColors;
  },

  findColors() {
    const names = ["ground", "panel", "raised", "text", "muted", "line", "strong-line", "accent", "faint-mark"];
    const probe = make("span", { hidden: true });
    document.body.append(probe);
    // A custom property keeps light-dark() unresolved; the colour of an element does not.
    if (this.isPrinting) probe.style.colorScheme = "light";
    const found = {};
    for (const name of names) {
      probe.style.color = `var(--${name})`;
      found[name.replace(/-(.)/, (_, letter) => letter.toUpperCase())] = getComputedStyle(probe).color;
    }
    probe.remove();
    return found;
  },

  toggle() {
    document.documentElement.dataset.theme = this.isDark ? "light" : "dark";
    this.changed();
  },

  changed() {
    for (const listener of this.listeners) listener();
  },

  /** Watches the system's theme, and printing, which is always light. */
  start() {
    this.systemDark.addEventListener("change", () => this.changed());
    this.printing.addEventListener("change", () => this.changed());
    addEventListener("beforeprint", () => { this.isPrinting = true; this.changed(); });
    addEventListener("afterprint", () => { this.isPrinting = false; this.changed(); });
  },
};

// The tooltip -------------------------------------------------------------------------------

const tooltip = {
  /** Shows a title and label/value rows beside a point of the window. */
  show(clientX, clientY, title, rows = []) {
    const element = document.getElementById("tooltip");
    element.replaceChildren();
    if (title) element.append(make("strong", { text: title }));
    if (rows.length > 0) {
      element.append(make("table", { role: "presentation" }, make("tbody", {}, ...rows.map(([label, value]) =>
        make("tr", {}, make("th", { text: label }), make("td", { text: value }))))));
    }
    element.hidden = false;
    const box = element.getBoundingClientRect();
    const left = clientX + 14 + box.width > innerWidth ? clientX - 14 - box.width : clientX + 14;
    const top = clientY + 14 + box.height > innerHeight ? clientY - 14 - box.height : clientY + 14;
    element.style.left = `${Math.max(4, left)}px`;
    element.style.top = `${Math.max(4, top)}px`;
  },

  hide() {
    document.getElementById("tooltip").hidden = true;
  },
};
addEventListener("keydown", (event) => { if (event.key === "Escape") tooltip.hide(); });

// Canvases ----------------------------------------------------------------------------------

/** A canvas as wide as its box (or `minimumWidth`), sharp on dense screens, redrawn on change. */
class Surface {
  constructor(canvas, minimumWidth, draw) {
    this.canvas = canvas;
    this.box = make("div", { class: "surface" }, canvas);
    this.minimumWidth = minimumWidth;
    this.draw = draw;
    this.redraw = oncePerFrame(() => this.draw());
    theme.listeners.push(() => { if (this.drawnFor) this.draw(); });
    // An observer also reports the first size, which the page draws itself.
    new ResizeObserver(() => {
      if (!theme.isPrinting && this.drawnFor && this.drawnFor !== this.box.clientWidth) this.redraw();
    }).observe(this.box);
  }

  /** Clears the canvas at a height, and gives the context (in CSS pixels) and the width. */
  begin(height) {
    const width = Math.max(this.minimumWidth, this.box.clientWidth || 300);
    this.drawnFor = this.box.clientWidth;
    const scale = Math.max(1, devicePixelRatio || 1, theme.isPrinting ? 2 : 1);
    if (this.canvas.width !== Math.round(width * scale) || this.canvas.height !== Math.round(height * scale)) {
      this.canvas.width = Math.round(width * scale);
      this.canvas.height = Math.round(height * scale);
      this.canvas.style.width = `${width}px`;
      this.canvas.style.height = `${height}px`;
    }
    const context = this.canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    context.textBaseline = "middle";
    return { context, width };
  }

  /** A pointer's place on the canvas in CSS pixels. */
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }
}

/** Round values within a range, about `count` of them. */
function roundTicks(low, high, count) {
  if (!(high > low)) return [low];
  const raw = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw * 0.999);
  const ticks = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index += 1) {
    ticks.push(Number((index * step).toPrecision(12)));
  }
  return ticks;
}

/** Powers of ten within a range, with 2 and 5 between where the range is short. */
function logarithmicTicks(low, high) {
  const decades = Math.log10(high / low);
  const factors = decades > 5 ? [1] : decades > 2 ? [1, 3] : [1, 2, 5];
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const factor of factors) {
      const value = Number((factor * 10 ** power).toPrecision(12));
      if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) ticks.push(value);
    }
  }
  return ticks.length > 1 ? ticks : roundTicks(low, high, 4);
}

/** A text cut to a width, with an ellipsis. */
function fitText(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 0 && context.measureText(`${text.slice(0, end)}…`).width > width) end -= 1;
  return end > 0 ? `${text.slice(0, end)}…` : "";
}

/** A text in at most so many lines of a width, the last cut if it must be. */
function wrapText(context, text, width, lineCount) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = lines.at(-1) === "" ? word : `${lines.at(-1)} ${word}`;
    if (lines.length === lineCount || context.measureText(longer).width <= width || lines.at(-1) === "") lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.map((line) => fitText(context, line, width));
}
