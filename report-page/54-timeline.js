// SPDX-License-Identifier: GPL-3.0-or-later
//
// The timeline of a run: the canvas, its buttons, and what pointer, wheel, fingers and keys do.

class Timeline {
  constructor(block) {
    this.block = block;
    this.model = new TimelineModel(block);
    this.drawing = new TimelineDrawing(this.model);
    this.hovered = -1;
    this.canvas = make("canvas", {
      tabindex: "0", role: "application", "aria-roledescription": "timeline",
      "aria-label": `Timeline of ${formatNumber(this.model.count)} slices in ${block.tracks.length} lanes. Plus and minus zoom, `
        + "left and right arrows move, Home shows all, n and p go to the next and previous slice, "
        + "up and down arrows change the lane, w goes to what the slice waited for.",
    });
    this.surface = new Surface(this.canvas, 280, () => this.draw());
    this.told = make("p", { class: "readout", role: "status" });
    this.extent = make("span", { class: "quiet push" });
    this.element = make("div", { class: "block panel timeline" },
      block.note ? make("p", { class: "quiet", text: block.note }) : null,
      this.makeButtons(), this.surface.box, this.makeSwatches(), this.told,
      make("p", { class: "keys", text: "Drag to move. Wheel (with Ctrl, or once the timeline has the focus) or two fingers to zoom. "
        + "Keys: + − zoom, ← → move, Home all, n p next and previous slice, ↑ ↓ lane, w what it waited for." }));
    this.listen();
    this.model.listeners.push(() => { this.surface.redraw(); this.tell(); });
    this.tell();
  }

  makeButtons() {
    const { model } = this;
    const button = (text, label, work) => make("button", { type: "button", text, "aria-label": label, onclick: work });
    return make("div", { class: "controls" },
      button("+", "Zoom in", () => model.zoom(0.5)), button("−", "Zoom out", () => model.zoom(2)),
      button("◀", "Earlier", () => model.pan(-0.25)), button("▶", "Later", () => model.pan(0.25)),
      button("All", "Show all of the timeline", () => model.showAll()),
      button("Previous slice", "Previous slice of the lane", () => model.step(-1)),
      button("Next slice", "Next slice of the lane", () => model.step(1)),
      button("Waited for", "Go to what the slice waited for", () => model.followWait()),
      this.extent);
  }

  makeSwatches() {
    return make("ul", { class: "swatches" }, ...this.block.categories.map((category, index) => {
      const swatch = make("span", { class: "swatch" });
      swatch.style.background = PALETTE[index % PALETTE.length];
      return make("li", {}, swatch, category);
    }), this.model.waitedFor.some((slice) => slice >= 0) ? make("li", { text: "Arrows: waited for" }) : null);
  }

  draw() {
    const { context, width } = this.surface.begin(this.drawing.height);
    this.drawing.draw(context, width, this.hovered);
  }

  tell() {
    const { model } = this;
    this.extent.textContent = `${formatTime(model.window.from - this.block.from)} to `
      + `${formatTime(model.window.to - this.block.from)} (${formatTime(model.span)})`;
    const slice = model.focused;
    this.told.textContent = slice < 0 ? "Point at a slice, or step to one, to read what it is."
      : `${model.nameOf(slice)}: ${model.describe(slice).map(([label, value]) => `${label} ${value}`).join("; ")}`;
  }

  // Pointer, wheel and keys -------------------------------------------------------------------

  sliceAt(place) {
    const lane = this.drawing.laneAt(place.y);
    if (lane < 0 || place.x < this.drawing.left) return -1;
    const tolerance = (2 * this.model.span) / (this.drawing.right - this.drawing.left);
    return this.model.sliceAt(lane, this.drawing.timeAt(place.x), tolerance);
  }

  hover(event) {
    const slice = this.sliceAt(this.surface.place(event));
    if (slice !== this.hovered) {
      this.hovered = slice;
      this.surface.redraw();
    }
    if (slice >= 0) tooltip.show(event.clientX, event.clientY, this.model.nameOf(slice), this.model.describe(slice)); else tooltip.hide();
  }

  share(event) {
    const { left, right } = this.drawing;
    return Math.min(1, Math.max(0, (this.surface.place(event).x - left) / (right - left)));
  }

  listen() {
    const { canvas, model } = this;
    const pointers = new Map();
    let isDragged = false;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, this.surface.place(event));
      isDragged = false;
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!pointers.has(event.pointerId)) { this.hover(event); return; }
      const before = [...pointers.values()];
      const old = pointers.get(event.pointerId);
      const place = this.surface.place(event);
      if (!isDragged && Math.abs(place.x - old.x) < 3) return;
      isDragged = true;
      tooltip.hide();
      pointers.set(event.pointerId, place);
      const width = this.drawing.right - this.drawing.left;
      if (pointers.size === 1) model.pan((old.x - place.x) / width);
      else this.pinch(before, [...pointers.values()], width);
    });
    const release = (event) => {
      const wasDown = pointers.delete(event.pointerId);
      if (wasDown && !isDragged && event.type === "pointerup") model.focus(this.sliceAt(this.surface.place(event)));
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
    canvas.addEventListener("pointerleave", () => { this.hovered = -1; tooltip.hide(); this.surface.redraw(); });
    canvas.addEventListener("wheel", (event) => this.turn(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.press(event));
  }

  pinch(before, after, width) {
    const apart = ([first, second]) => Math.max(10, Math.abs(first.x - second.x));
    const middle = ([first, second]) => (first.x + second.x) / 2;
    this.model.pan((middle(before) - middle(after)) / width);
    this.model.zoom(apart(before) / apart(after), (middle(after) - this.drawing.left) / width);
  }

  /** A wheel without Ctrl scrolls the page until the timeline has the focus, or it would be a trap. */
  turn(event) {
    const isMine = event.ctrlKey || event.metaKey || document.activeElement === this.canvas;
    const isSideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
    if (!isMine && !isSideways) return;
    event.preventDefault();
    if (isSideways) this.model.pan((event.deltaX || event.deltaY) / 800);
    else this.model.zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) / 200), this.share(event));
    tooltip.hide();
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { model } = this;
    const work = {
      "+": () => model.zoom(0.5), "=": () => model.zoom(0.5), "-": () => model.zoom(2), "−": () => model.zoom(2),
      ArrowLeft: () => model.pan(-0.2), ArrowRight: () => model.pan(0.2),
      ArrowUp: () => model.stepLane(-1), ArrowDown: () => model.stepLane(1),
      Home: () => model.showAll(), n: () => model.step(1), p: () => model.step(-1), w: () => model.followWait(),
    }[event.key];
    if (!work) return;
    event.preventDefault();
    work();
  }

  /** What tests and scripts read. Times are the document's nanoseconds; places are CSS pixels. */
  readout() {
    const { model, drawing } = this;
    return {
      window: () => ({ ...model.window }),
      focused: () => model.focused,
      hovered: () => this.hovered,
      placeOf: (slice) => [
        (drawing.x(model.start[slice]) + drawing.x(model.end[slice])) / 2,
        model.lanes[model.track[slice]].y + LANE_HEIGHT / 2,
      ],
      setWindow: (from, to) => model.setWindow(from, to),
    };
  }
}
