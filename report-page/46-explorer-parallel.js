// SPDX-License-Identifier: GPL-3.0-or-later
//
// An explorer's parallel coordinates: a vertical line for each axis and figure, a polyline for each
// run. Dragging along a line keeps the runs that cross it there; a click lets it go.

/** Lines in one stroke: one each costs calls, all at once costs the rasterizer. */
const ROWS_AT_ONCE = 20;

class ExplorerParallel {
  constructor(model) {
    this.model = model;
    this.dimensions = model.dimensions.filter((dimension) => !dimension.isConstant);
    this.canvas = make("canvas", {
      role: "img", "aria-label": "Parallel coordinates: one line for each run across all axes and figures. "
        + "The filters above do by keyboard what dragging along an axis does here.",
    });
    this.surface = new Surface(this.canvas, 88 * this.dimensions.length, () => this.draw());
    // A box that scrolls needs the keyboard.
    Object.entries({ tabindex: "0", role: "group", "aria-label": "Parallel coordinates" })
      .forEach(([name, value]) => this.surface.box.setAttribute(name, value));
    this.element = make("section", { class: "parallel", "aria-label": "Parallel coordinates" },
      make("h3", { text: "All axes and figures at once" }),
      this.surface.box,
      make("p", { class: "keys", text: "Drag along a vertical line to keep the runs that cross it there; click the line to let them go. Grey: runs that do not pass." }));
    this.layers = {};
    this.listen();
    model.listeners.push(() => this.surface.redraw());
  }

  /** Where a dimension's value stands on its line; choices stand at equal distances. */
  placeOf(dimension, value) {
    const share = (value - dimension.low) / (dimension.high - dimension.low);
    return this.bottom - share * (this.bottom - this.top);
  }

  valueAt(dimension, y) {
    const share = (this.bottom - y) / (this.bottom - this.top);
    return dimension.low + share * (dimension.high - dimension.low);
  }

  draw() {
    if (this.dimensions.length < 2) return;
    const height = 320;
    const { context, width } = this.surface.begin(height);
    this.top = 64;
    this.bottom = height - 26;
    const margin = 52;
    this.places = this.dimensions.map((_, index) => margin + (index * (width - 2 * margin)) / (this.dimensions.length - 1));
    const isWhole = this.model.shown.length === this.model.rows.length;
    this.drawLayer(context, width, height, "all", isWhole, (behind) => this.drawBackground(behind));
    this.drawLayer(context, width, height, "shown", this.model.version, (behind) => this.drawShown(behind));
    this.drawMarked(context);
    this.drawAxes(context, width);
  }

  /**
   * A picture of its own for what changes seldom, drawn again when its key does: to follow the pointer
   * only one line is drawn over the pictures.
   */
  drawLayer(context, width, height, name, key, draw) {
    const layer = this.layers[name] || (this.layers[name] = { canvas: document.createElement("canvas"), key: null });
    const whole = `${this.canvas.width}x${this.canvas.height} ${theme.isDark} ${key}`;
    if (layer.key !== whole) {
      layer.key = whole;
      layer.canvas.width = this.canvas.width; // clears it, too
      layer.canvas.height = this.canvas.height;
      const scale = this.canvas.width / width;
      const behind = layer.canvas.getContext("2d");
      behind.setTransform(scale, 0, 0, scale, 0, 0);
      draw(behind);
    }
    context.drawImage(layer.canvas, 0, 0, width, height);
  }

  /** All runs in grey, unless the shown ones would cover them. */
  drawBackground(context) {
    const { rows, shown } = this.model;
    if (shown.length === rows.length) return;
    context.strokeStyle = theme.colors.faintMark;
    context.globalAlpha = rows.length > 500 ? 0.25 : 0.6;
    this.strokeRows(context, rows.keys());
  }

  drawShown(context) {
    const { model } = this;
    context.globalAlpha = Math.max(0.05, Math.min(0.8, 4 / Math.sqrt(model.shown.length + 1)));
    const groups = new Map();
    for (const row of model.shown) {
      const color = model.colorOf(row);
      if (!groups.has(color)) groups.set(color, []);
      groups.get(color).push(row);
    }
    // Some of each colour in turn, or the last colour would hide the others.
    const longest = Math.max(0, ...[...groups.values()].map((rows) => rows.length));
    for (let from = 0; from < longest; from += ROWS_AT_ONCE) {
      for (const [color, rows] of groups) {
        context.strokeStyle = color;
        this.strokeRows(context, rows.slice(from, from + ROWS_AT_ONCE));
      }
    }
  }

  drawMarked(context) {
    const { model } = this;
    for (const [row, lineWidth] of [[model.selected, 3], [model.hovered, 2]]) {
      if (row < 0) continue;
      context.strokeStyle = theme.colors.text;
      context.lineWidth = lineWidth;
      this.strokeRows(context, [row]);
    }
  }

  /** The lines of some rows, broken where a value is missing. */
  strokeRows(context, rows) {
    let count = 0;
    context.beginPath();
    for (const row of rows) {
      let isDown = false;
      this.dimensions.forEach((dimension, index) => {
        const value = dimension.column[row];
        if (Number.isNaN(value)) {
          isDown = false;
        } else {
          const y = this.placeOf(dimension, value);
          if (isDown) context.lineTo(this.places[index], y); else context.moveTo(this.places[index], y);
          isDown = true;
        }
      });
      count += 1;
      if (count % ROWS_AT_ONCE === 0) { context.stroke(); context.beginPath(); }
    }
    context.stroke();
  }

  drawAxes(context, width) {
    const colors = theme.colors;
    const room = (width - 104) / (this.dimensions.length - 1) - 6;
    this.dimensions.forEach((dimension, index) => {
      const x = this.places[index];
      context.strokeStyle = colors.strongLine;
      context.lineWidth = 1;
      context.beginPath(); context.moveTo(x, this.top); context.lineTo(x, this.bottom); context.stroke();
      context.fillStyle = colors.text;
      context.textAlign = "center";
      const titleRoom = Math.min(room, 2 * Math.min(x, width - x));
      wrapText(context, titleWithUnit(dimension.title, dimension.unit), titleRoom, 3)
        .forEach((line, place) => context.fillText(line, x, 9 + 14 * place));
      this.drawTicks(context, dimension, x, colors, room);
      this.drawBrush(context, dimension, x, colors);
    });
  }

  drawTicks(context, dimension, x, colors, room) {
    const labels = dimension.choices
      ? dimension.choices.map((text, place) => [place, text])
      : [[dimension.low, formatNumber(dimension.low)], [(dimension.low + dimension.high) / 2, null], [dimension.high, formatNumber(dimension.high)]];
    // Every label where there is room for it, and otherwise every second, third, …
    const every = Math.ceil((labels.length * 15) / (this.bottom - this.top));
    labels.forEach(([value, text], index) => {
      if (text === null || index % every !== 0) return;
      const shown = fitText(context, text, room - 8);
      const y = dimension.choices ? this.placeOf(dimension, value) : value === dimension.low ? this.bottom + 12 : this.top - 7;
      const half = context.measureText(shown).width / 2;
      if (dimension.choices) {
        context.fillStyle = colors.panel;
        context.globalAlpha = 0.85;
        context.fillRect(x - half - 3, y - 8, 2 * half + 6, 16);
        context.globalAlpha = 1;
      }
      context.fillStyle = colors.muted;
      context.textAlign = "center";
      context.fillText(shown, x, y);
    });
  }

  drawBrush(context, dimension, x, colors) {
    if (!this.model.isLimited(dimension)) return;
    context.fillStyle = colors.accent;
    const bars = dimension.choices
      ? [...dimension.chosen].map((place) => [this.placeOf(dimension, place) - 9, 18])
      : [this.barOf(dimension)];
    for (const [y, height] of bars) {
      context.globalAlpha = 0.25;
      context.fillRect(x - 8, y, 16, height);
      context.globalAlpha = 1;
      context.fillRect(x - 8, y, 2, height);
      context.fillRect(x + 6, y, 2, height);
    }
  }

  barOf(dimension) {
    const low = Math.max(dimension.low, Math.min(dimension.high, dimension.range[0]));
    const high = Math.max(dimension.low, Math.min(dimension.high, dimension.range[1]));
    const y = this.placeOf(dimension, high);
    return [y, Math.max(2, this.placeOf(dimension, low) - y)];
  }

  listen() {
    const { canvas, model } = this;
    let brushed = null; // { dimension, from, moved }
    const update = oncePerFrame(() => {
      if (!brushed) return;
      const [low, high] = [brushed.from, brushed.to].sort((left, right) => right - left).map((y) => this.valueAt(brushed.dimension, y));
      model.setRange(brushed.dimension, low, high);
    });
    canvas.addEventListener("pointerdown", (event) => {
      const place = this.surface.place(event);
      const index = this.places.findIndex((x) => Math.abs(x - place.x) < 22);
      if (index < 0) return;
      canvas.setPointerCapture(event.pointerId);
      brushed = { dimension: this.dimensions[index], from: place.y, to: place.y, isMoved: false };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!brushed) return;
      brushed.to = this.surface.place(event).y;
      if (Math.abs(brushed.to - brushed.from) > 3) brushed.isMoved = true;
      if (brushed.isMoved) update();
    });
    canvas.addEventListener("pointerup", () => {
      if (brushed && !brushed.isMoved) {
        const { dimension } = brushed;
        if (dimension.choices) model.setRange(dimension, 0, dimension.choices.length);
        else model.setRange(dimension, -Infinity, Infinity);
      }
      // The last frame's update still needs what was brushed.
      requestAnimationFrame(() => { brushed = null; });
    });
    canvas.addEventListener("pointercancel", () => { brushed = null; });
  }
}
