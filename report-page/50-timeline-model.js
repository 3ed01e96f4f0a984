// SPDX-License-Identifier: GPL-3.0-or-later
//
// A timeline's slices in columns, sorted by lane, and the window of time that is seen.

/** The shortest window: below this many nanoseconds a zoom stops. */
const SHORTEST_WINDOW = 100;

class TimelineModel {
  constructor(block) {
    this.block = block;
    const { slices } = block;
    this.count = slices.start.length;
    this.start = Float64Array.from(slices.start);
    this.end = Float64Array.from(slices.end);
    this.track = Int32Array.from(slices.track);
    this.category = Int32Array.from(slices.category);
    this.waitedFor = Int32Array.from(slices.waited_for);
    this.lanes = block.tracks.map((track) => ({ ...track, order: [] }));
    for (let slice = 0; slice < this.count; slice += 1) this.lanes[this.track[slice]].order.push(slice);
    for (const lane of this.lanes) this.sortLane(lane);
    this.window = { from: block.from, to: block.to };
    this.focused = -1;
    this.listeners = [];
  }

  /** Slices by start, and for each how far it and those before it reach, to find what is seen. */
  sortLane(lane) {
    lane.order.sort((left, right) => this.start[left] - this.start[right]);
    lane.order = Int32Array.from(lane.order);
    lane.reach = new Float64Array(lane.order.length);
    let furthest = -Infinity;
    lane.order.forEach((slice, index) => {
      furthest = Math.max(furthest, this.end[slice]);
      lane.reach[index] = furthest;
    });
  }

  /** The first place of a lane whose slices may reach past a time. O(log n). */
  firstReaching(lane, time) {
    let low = 0;
    let high = lane.order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (lane.reach[middle] > time) high = middle; else low = middle + 1;
    }
    return low;
  }

  /** The last slice of a lane that covers a time, or else the nearest within a tolerance; or -1. */
  sliceAt(laneIndex, time, tolerance) {
    const lane = this.lanes[laneIndex];
    let best = -1;
    let bestDistance = Infinity;
    for (let place = this.firstReaching(lane, time - tolerance); place < lane.order.length; place += 1) {
      const slice = lane.order[place];
      if (this.start[slice] > time + tolerance) break;
      const distance = Math.max(this.start[slice] - time, time - this.end[slice], 0);
      if (distance <= bestDistance) { best = slice; bestDistance = distance; }
    }
    return best;
  }

  // The window ------------------------------------------------------------------------------

  get span() {
    return this.window.to - this.window.from;
  }

  /** Sets the window, kept within the recording and no shorter than the shortest. */
  setWindow(from, to) {
    const whole = this.block.to - this.block.from;
    const span = Math.min(whole, Math.max(Math.min(SHORTEST_WINDOW, whole), to - from));
    const start = Math.min(this.block.to - span, Math.max(this.block.from, from));
    this.window = { from: start, to: start + span };
    this.notify();
  }

  /** Zooms by a factor below one (in) or above (out); `share` of the window stays where it is. */
  zoom(factor, share = 0.5) {
    const whole = this.block.to - this.block.from;
    const span = Math.min(whole, Math.max(SHORTEST_WINDOW, this.span * factor));
    const from = this.window.from + share * (this.span - span);
    this.setWindow(from, from + span);
  }

  /** Moves by a share of the window. */
  pan(share) {
    this.setWindow(this.window.from + share * this.span, this.window.to + share * this.span);
  }

  showAll() {
    this.setWindow(this.block.from, this.block.to);
  }

  // The focused slice -------------------------------------------------------------------------

  /** Focuses a slice, and moves the window so that it is seen. */
  focus(slice) {
    this.focused = slice;
    if (slice >= 0) {
      const length = this.end[slice] - this.start[slice];
      const isSeen = this.start[slice] >= this.window.from && this.end[slice] <= this.window.to;
      if (!isSeen) {
        const span = Math.max(this.span, length * 1.2);
        const middle = (this.start[slice] + this.end[slice]) / 2;
        this.setWindow(middle - span / 2, middle + span / 2);
      }
    }
    this.notify();
  }

  /** The next slice of the focused one's lane (or the previous), or the first seen of any lane. */
  step(direction) {
    if (this.focused < 0) {
      const places = this.lanes.map((lane) => lane.order[this.firstReaching(lane, this.window.from)]);
      const first = places.find((slice) => slice !== undefined);
      if (first !== undefined) this.focus(first);
      return;
    }
    const { order } = this.lanes[this.track[this.focused]];
    const next = order[order.indexOf(this.focused) + direction];
    if (next !== undefined) this.focus(next);
  }

  /** The slice of a neighbouring lane that lies nearest in time. */
  stepLane(direction) {
    if (this.focused < 0) { this.step(1); return; }
    const middle = (this.start[this.focused] + this.end[this.focused]) / 2;
    for (let lane = this.track[this.focused] + direction; this.lanes[lane]; lane += direction) {
      const { order } = this.lanes[lane];
      if (order.length === 0) continue;
      const place = Math.min(order.length - 1, this.firstReaching(this.lanes[lane], middle));
      this.focus(order[place]);
      return;
    }
  }

  /** Goes to what the focused slice waited for. */
  followWait() {
    if (this.focused >= 0 && this.waitedFor[this.focused] >= 0) this.focus(this.waitedFor[this.focused]);
  }

  describe(slice) {
    const { block } = this;
    const lane = this.lanes[this.track[slice]];
    const rows = [
      ["Lane", `${lane.process} ${lane.thread}`],
      ["Category", block.categories[this.category[slice]]],
      ["Begins", formatTime(this.start[slice] - block.from, 1)],
      ["Takes", formatTime(this.end[slice] - this.start[slice], 1)],
    ];
    if (block.slices.layer[slice] >= 0) rows.push(["Layer", String(block.slices.layer[slice])]);
    if (block.slices.expert[slice] >= 0) rows.push(["Expert", String(block.slices.expert[slice])]);
    if (this.waitedFor[slice] >= 0) rows.push(["Waited for", this.nameOf(this.waitedFor[slice])]);
    return rows;
  }

  /** "expert 6 of layer 2", as far as it is known. */
  nameOf(slice) {
    const { slices, names } = this.block;
    const name = names[slices.name[slice]];
    const expert = slices.expert[slice] >= 0 ? `, expert ${slices.expert[slice]}` : "";
    const layer = slices.layer[slice] >= 0 ? `, layer ${slices.layer[slice]}` : "";
    return `${name}${expert}${layer}`;
  }

  notify() {
    for (const listener of this.listeners) listener();
  }
}

/** A time in the unit that suits it. Nanoseconds in. */
function formatTime(nanoseconds, resolution = Math.abs(nanoseconds)) {
  const units = [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];
  const [unit, size] = units.find(([, candidate]) => Math.abs(nanoseconds) >= candidate) || units[3];
  const places = Math.min(9, Math.max(0, 3 - Math.floor(Math.log10(Math.max(1e-9, resolution / size)))));
  return `${numberFormat(0, unit === "ns" ? 0 : places).format(nanoseconds / size)} ${unit}`;
}
