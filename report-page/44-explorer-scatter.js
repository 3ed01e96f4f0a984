// SPDX-License-Identifier: GPL-3.0-or-later
//
// An explorer's scatter of two figures with the Pareto front of what is shown. A canvas: thousands of
// points are redrawn with every change of a filter.

class ExplorerScatter {
  constructor(model) {
    this.model = model;
    this.canvas = make("canvas", {
      tabindex: "0", role: "application", "aria-roledescription": "scatter plot",
      "aria-label": "Scatter of two figures. Left and right arrows go through the shown runs along x, "
        + "up and down along the Pareto front, Enter selects.",
    });
    this.surface = new Surface(this.canvas, 280, () => this.draw());
    this.told = make("p", { class: "readout", role: "status" });
    this.swatches = make("ul", { class: "swatches" });
    this.element = make("section", { class: "scatter", "aria-label": "Pareto scatter" },
      make("h3", { text: "Trade-off of two figures" }),
      this.makeControls(), this.surface.box, this.swatches, this.told,
      make("p", { class: "keys", text: "Hollow points are unstable runs; they are never on the front. Keys: ← → runs along x, ↑ ↓ along the front, Enter selects." }));
    this.listen();
    model.listeners.push((what) => {
      if (what === "filter" || what === "choice") this.order = null;
      this.surface.redraw();
      this.tell();
    });
    this.tell();
  }

  makeControls() {
    const { model } = this;
    const choice = (label, name, options, current, set) => {
      const select = make("select", { "aria-label": name, onchange: () => { set(Number(select.value)); model.updateChoice(); } },
        ...options.map((option, index) => make("option", { value: index, text: option, selected: index === current })));
      return make("label", {}, label, select);
    };
    const titles = model.figures.map((figure) => figure.title);
    const axis = (name) => {
      const box = make("input", { type: "checkbox", "aria-label": `Logarithmic ${name} axis`, checked: model.isLogarithmic[name],
        onchange: () => { model.isLogarithmic[name] = box.checked; model.updateChoice(); } });
      const select = choice(name, `${name} axis`, titles, model.figures.indexOf(model[name]), (index) => {
        model.chooseFigure(name, model.figures[index]);
        box.checked = model.isLogarithmic[name];
      });
      return make("span", { class: "pair" }, select, make("label", {}, box, "log"));
    };
    const colorable = model.axes.filter((axis) => axis.choices && axis.choices.length <= PALETTE.length && !axis.isConstant);
    return make("div", { class: "controls" },
      axis("x"), axis("y"),
      choice("Colour", "Colour of runs", ["none", ...colorable.map((axis) => axis.title)], colorable.indexOf(model.colorBy) + 1,
        (index) => { model.colorBy = index === 0 ? null : colorable[index - 1]; }));
  }

  /** A scale of one figure over what is shown: value to place, with ticks. */
  scale(figure, name, from, to) {
    let [low, high] = [Infinity, -Infinity];
    const isLogarithmic = this.model.isLogarithmic[name];
    for (const row of this.model.shown) {
      const value = figure.column[row];
      if (isLogarithmic && !(value > 0)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (low > high) [low, high] = [isLogarithmic ? 1 : 0, isLogarithmic ? 10 : 1];
    const to1 = isLogarithmic ? Math.log10 : (value) => value;
    const from1 = isLogarithmic ? (value) => 10 ** value : (value) => value;
    const room = (to1(high) - to1(low)) * 0.04 || (isLogarithmic ? 0.1 : Math.abs(high) * 0.1 || 1);
    const [start, end] = [to1(low) - room, to1(high) + room];
    const count = Math.abs(to - from) / (name === "x" ? 110 : 55);
    return {
      place: (value) => (isLogarithmic && !(value > 0) ? NaN : from + ((to1(value) - start) / (end - start)) * (to - from)),
      ticks: isLogarithmic ? logarithmicTicks(from1(start), from1(end)) : roundTicks(start, end, count),
    };
  }

  draw() {
    const { model } = this;
    const height = Math.max(280, Math.min(420, this.surface.box.clientWidth * 0.55));
    const { context, width } = this.surface.begin(height);
    const frame = { left: 64, right: width - 12, top: 12, bottom: height - 44 };
    this.x = this.scale(model.x, "x", frame.left, frame.right);
    this.y = this.scale(model.y, "y", frame.bottom, frame.top);
    this.drawAxes(context, frame);
    context.save();
    context.beginPath();
    context.rect(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top);
    context.clip();
    this.drawPoints(context);
    this.drawFront(context, frame);
    for (const row of new Set([model.selected, model.hovered])) if (row >= 0) this.drawMarked(context, row);
    context.restore();
    this.drawSwatches();
  }

  drawAxes(context, frame) {
    const { model } = this;
    const colors = theme.colors;
    context.lineWidth = 1;
    context.strokeStyle = colors.line;
    context.fillStyle = colors.muted;
    context.textAlign = "center";
    for (const tick of this.x.ticks) {
      const x = Math.round(this.x.place(tick)) + 0.5;
      context.beginPath(); context.moveTo(x, frame.top); context.lineTo(x, frame.bottom); context.stroke();
      context.fillText(formatNumber(tick), x, frame.bottom + 12);
    }
    context.textAlign = "right";
    for (const tick of this.y.ticks) {
      const y = Math.round(this.y.place(tick)) + 0.5;
      context.beginPath(); context.moveTo(frame.left, y); context.lineTo(frame.right, y); context.stroke();
      context.fillText(formatNumber(tick), frame.left - 7, y);
    }
    context.fillStyle = colors.text;
    context.textAlign = "center";
    // The arrow points along the axis; the y axis's text is turned, and so is its arrow.
    const name = (figure) => `${titleWithUnit(figure.title, figure.unit)} · ${figure.better === "higher" ? "better →" : "← better"}`;
    const xName = fitText(context, name(model.x), frame.right - frame.left);
    context.fillText(xName, (frame.left + frame.right) / 2, frame.bottom + 33);
    context.save();
    context.translate(10, (frame.top + frame.bottom) / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(fitText(context, name(model.y), frame.bottom - frame.top), 0, 0);
    context.restore();
  }

  drawPoints(context) {
    const { model } = this;
    const radius = model.shown.length > 1500 ? 2.5 : 4;
    context.lineWidth = 1.4;
    for (const isHollow of [true, false]) {
      context.globalAlpha = model.shown.length > 300 ? 0.65 : 0.85;
      for (const row of model.shown) {
        if ((model.rows[row].status !== "ok") !== isHollow) continue;
        const [x, y] = this.placeOf(row);
        if (Number.isNaN(x) || Number.isNaN(y)) continue;
        context.beginPath();
        context.arc(x, y, radius, 0, 2 * Math.PI);
        if (isHollow) {
          context.strokeStyle = model.colorOf(row);
          context.stroke();
        } else {
          context.fillStyle = model.colorOf(row);
          context.fill();
        }
      }
    }
    context.globalAlpha = 1;
  }

  placeOf(row) {
    return [this.x.place(this.model.x.column[row]), this.y.place(this.model.y.column[row])];
  }

  /** The front as steps: what is attained for each x at least. */
  drawFront(context, frame) {
    const { model } = this;
    const colors = theme.colors;
    if (model.front.length === 0) return;
    context.strokeStyle = colors.text;
    context.lineWidth = 1.5;
    context.beginPath();
    const farX = model.x.better === "higher" ? frame.left : frame.right;
    const farY = model.y.better === "higher" ? frame.bottom : frame.top;
    let previousY = farY;
    for (const row of model.front) {
      const [x, y] = this.placeOf(row);
      if (Number.isNaN(x) || Number.isNaN(y)) continue;
      if (previousY === farY) context.moveTo(x, farY); else context.lineTo(x, previousY);
      context.lineTo(x, y);
      previousY = y;
    }
    context.lineTo(farX, previousY);
    context.stroke();
    for (const row of model.front) {
      const [x, y] = this.placeOf(row);
      context.beginPath();
      context.arc(x, y, 5, 0, 2 * Math.PI);
      context.fillStyle = model.colorOf(row);
      context.fill();
      context.stroke();
    }
  }

  drawMarked(context, row) {
    const [x, y] = this.placeOf(row);
    if (Number.isNaN(x) || Number.isNaN(y)) return;
    const colors = theme.colors;
    context.beginPath();
    context.arc(x, y, 8, 0, 2 * Math.PI);
    context.strokeStyle = colors.accent;
    context.lineWidth = row === this.model.selected ? 3 : 2;
    context.stroke();
  }

  drawSwatches() {
    const { colorBy } = this.model;
    this.swatches.replaceChildren(
      make("li", {}, make("span", { class: "swatch ring" }), `Pareto front of what is shown (${formatNumber(this.model.front.length)})`),
      ...(colorBy ? colorBy.choices.map((choice, index) => {
        const swatch = make("span", { class: "swatch" });
        swatch.style.background = PALETTE[index];
        return make("li", {}, swatch, choice);
      }) : []));
  }

  // Pointer and keys ------------------------------------------------------------------------

  nearest(place) {
    let best = -1;
    let bestDistance = 18 ** 2;
    for (const row of this.model.shown) {
      const [x, y] = this.placeOf(row);
      const distance = (x - place.x) ** 2 + (y - place.y) ** 2;
      if (distance < bestDistance) { bestDistance = distance; best = row; }
    }
    return best;
  }

  listen() {
    const { canvas, model } = this;
    canvas.addEventListener("pointermove", (event) => {
      const row = this.nearest(this.surface.place(event));
      model.hover(row);
      if (row >= 0) tooltip.show(event.clientX, event.clientY, model.rows[row].id, model.describe(row)); else tooltip.hide();
    });
    canvas.addEventListener("pointerleave", () => { model.hover(-1); tooltip.hide(); });
    canvas.addEventListener("click", (event) => model.select(this.nearest(this.surface.place(event))));
    canvas.addEventListener("keydown", (event) => this.press(event));
    canvas.addEventListener("blur", () => { model.hover(-1); tooltip.hide(); });
  }

  press(event) {
    const { model } = this;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 };
    if (event.key in steps) {
      const path = event.key === "ArrowLeft" || event.key === "ArrowRight" ? this.alongX() : model.front;
      if (path.length === 0) return;
      event.preventDefault();
      const here = path.indexOf(model.hovered >= 0 ? model.hovered : model.selected);
      const next = here < 0 ? 0 : Math.min(path.length - 1, Math.max(0, here + steps[event.key]));
      model.hover(path[next]);
      const [x, y] = this.placeOf(path[next]);
      const box = this.canvas.getBoundingClientRect();
      tooltip.show(box.left + x, box.top + y, model.rows[path[next]].id, model.describe(path[next]));
    } else if ((event.key === "Enter" || event.key === " ") && model.hovered >= 0) {
      event.preventDefault();
      model.select(model.hovered);
    }
  }

  /** The shown runs that have both figures, from left to right. */
  alongX() {
    const { x, y } = this.model;
    if (!this.order) {
      this.order = this.model.shown.filter((row) => !Number.isNaN(x.column[row]) && !Number.isNaN(y.column[row]));
      this.order.sort((left, right) => x.column[left] - x.column[right]);
    }
    return this.order;
  }

  tell() {
    const { model } = this;
    const row = model.hovered >= 0 ? model.hovered : model.selected;
    this.told.textContent = row < 0 ? "Point at a run, or select one, to read what it is."
      : `${model.rows[row].id}: ${model.describe(row).map(([label, value]) => `${label} ${value}`).join("; ")}`;
  }
}
