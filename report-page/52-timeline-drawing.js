// SPDX-License-Identifier: GPL-3.0-or-later
//
// What a timeline's canvas shows: a time axis, a lane for each track, arrows from what was waited
// for, and counters as step lines. A canvas, since a scene graph with an object for each of tens of
// thousands of slices redraws too slowly to follow a hand.

const LANE_HEIGHT = 26;
const GROUP_HEIGHT = 20;
const COUNTER_HEIGHT = 46;
const AXIS_HEIGHT = 26;
/** With less room than this for each arrow in sight, only the focused slice's is drawn. */
const ARROW_WIDTH = 10;

class TimelineDrawing {
  constructor(model) {
    this.model = model;
    this.layOut();
  }

  /** Gives each lane and counter its place; a new process begins with its name. */
  layOut() {
    let y = AXIS_HEIGHT;
    let process = null;
    this.groups = [];
    const place = (name, entry, height) => {
      if (name !== process) {
        this.groups.push({ name, y });
        y += GROUP_HEIGHT;
        process = name;
      }
      entry.y = y;
      y += height;
    };
    const { tracks, counters } = this.model.block;
    for (const lane of this.model.lanes) if (lane.order.length > 0) place(lane.process, lane, LANE_HEIGHT);
    process = null;
    this.counters = counters.map((counter) => {
      const entry = { ...counter, process: tracks[counter.track].process, high: Math.max(0, ...extremes(counter.values)) };
      place(`${entry.process}: counters`, entry, COUNTER_HEIGHT);
      return entry;
    });
    this.height = y + 6;
  }

  x(time) {
    const { window, span } = this.model;
    return this.left + ((time - window.from) / span) * (this.right - this.left);
  }

  timeAt(x) {
    const { window, span } = this.model;
    return window.from + ((x - this.left) / (this.right - this.left)) * span;
  }

  laneAt(y) {
    return this.model.lanes.findIndex((lane) => lane.order.length > 0 && y >= lane.y && y < lane.y + LANE_HEIGHT);
  }

  draw(context, width, hovered) {
    this.left = width < 560 ? 106 : 140;
    this.right = width - 10;
    this.colors = theme.colors;
    this.drawAxis(context, width);
    this.drawNames(context, width);
    context.save();
    context.beginPath();
    context.rect(this.left, AXIS_HEIGHT, this.right - this.left, this.height);
    context.clip();
    this.arrows = [];
    for (const lane of this.model.lanes) if (lane.order.length > 0) this.drawLane(context, lane);
    for (const counter of this.counters) this.drawCounter(context, counter);
    if (this.arrows.length <= (this.right - this.left) / ARROW_WIDTH) for (const slice of this.arrows) this.drawArrow(context, slice, 0.55);
    for (const slice of new Set([this.model.focused, hovered])) if (slice >= 0) this.drawMarked(context, slice);
    context.restore();
  }

  drawAxis(context, width) {
    const { block, window, span } = this.model;
    const from = window.from - block.from;
    const ticks = roundTicks(from, from + span, (width - this.left) / 110);
    const step = ticks.length > 1 ? ticks[1] - ticks[0] : span;
    context.textAlign = "center";
    for (const tick of ticks) {
      const x = Math.round(this.x(tick + block.from)) + 0.5;
      context.strokeStyle = this.colors.line;
      context.lineWidth = 1;
      context.beginPath(); context.moveTo(x, AXIS_HEIGHT - 5); context.lineTo(x, this.height); context.stroke();
      context.fillStyle = this.colors.muted;
      const label = tick === 0 ? "0" : formatTime(tick, step);
      const half = context.measureText(label).width / 2;
      context.fillText(label, Math.min(width - half - 2, x), 11);
    }
  }

  drawNames(context, width) {
    context.textAlign = "left";
    for (const group of this.groups) {
      context.fillStyle = this.colors.text;
      context.fillText(fitText(context, group.name, width - 8), 2, group.y + GROUP_HEIGHT / 2 + 2);
    }
    const lines = [
      ...this.model.lanes.filter((lane) => lane.order.length > 0).map((lane) => [lane.thread, lane.y, LANE_HEIGHT]),
      ...this.counters.map((counter) => [counter.name, counter.y, COUNTER_HEIGHT]),
    ];
    for (const [name, y, height] of lines) {
      context.fillStyle = this.colors.muted;
      context.fillText(fitText(context, name, this.left - 16), 10, y + Math.min(height, LANE_HEIGHT) / 2);
      context.fillStyle = this.colors.line;
      context.fillRect(2, y + height - 1, width - 4, 1);
    }
    context.fillStyle = this.colors.muted;
    for (const counter of this.counters) {
      context.fillText(fitText(context, `0 to ${formatNumber(counter.high)}`, this.left - 16), 10, counter.y + LANE_HEIGHT / 2 + 15);
    }
  }

  colorOf(slice) {
    return PALETTE[this.model.category[slice] % PALETTE.length];
  }

  /** A lane's slices in sight. Those within one pixel of each other are drawn as one. */
  drawLane(context, lane) {
    const { model } = this;
    let filledTo = -Infinity;
    for (let place = model.firstReaching(lane, model.window.from); place < lane.order.length; place += 1) {
      const slice = lane.order[place];
      if (model.start[slice] >= model.window.to) break;
      if (model.waitedFor[slice] >= 0) this.arrows.push(slice);
      const from = this.x(model.start[slice]);
      const to = this.x(model.end[slice]);
      if (to <= filledTo) continue;
      const x = Math.max(from, this.left - 2);
      const width = Math.min(to, this.right + 2) - x;
      context.fillStyle = this.colorOf(slice);
      // A slit between neighbours shows where one ends, once they are wide enough to lose it.
      context.fillRect(x, lane.y + 3, Math.max(1, width > 4 ? width - 1 : width), LANE_HEIGHT - 7);
      filledTo = Math.max(to, x + 1);
      if (width > 34) this.drawSliceName(context, slice, x, width, lane.y);
    }
  }

  drawSliceName(context, slice, x, width, y) {
    const { slices } = this.model.block;
    const short = slices.expert[slice] >= 0 ? `${this.model.block.names[slices.name[slice]]} ${slices.expert[slice]}`
      : this.model.block.names[slices.name[slice]];
    const text = fitText(context, short, width - 9);
    if (text.length < 2) return;
    context.fillStyle = inkOn(this.colorOf(slice));
    context.textAlign = "left";
    context.fillText(text, x + 4, y + LANE_HEIGHT / 2 - 0.5);
  }

  /** From the end of what was waited for to the beginning of what waited. */
  drawArrow(context, slice, alpha) {
    const { model } = this;
    const cause = model.waitedFor[slice];
    const fromLane = model.lanes[model.track[cause]];
    const toLane = model.lanes[model.track[slice]];
    const [x0, y0] = [this.x(model.end[cause]), fromLane.y + LANE_HEIGHT / 2 - 1];
    const [x1, y1] = [this.x(model.start[slice]), toLane.y + LANE_HEIGHT / 2 - 1];
    const side = fromLane.y < toLane.y ? 1 : -1;
    const [startY, endY] = [y0 + side * 8, y1 - side * 10];
    context.globalAlpha = alpha;
    context.strokeStyle = this.colors.text;
    context.fillStyle = this.colors.text;
    context.lineWidth = alpha === 1 ? 2 : 1;
    context.beginPath();
    context.moveTo(x0, startY);
    context.bezierCurveTo(x0, (startY + endY) / 2, x1, (startY + endY) / 2, x1, endY);
    context.stroke();
    context.beginPath();
    context.moveTo(x1, endY + side * 2);
    context.lineTo(x1 - 3.5, endY - side * 4);
    context.lineTo(x1 + 3.5, endY - side * 4);
    context.fill();
    context.globalAlpha = 1;
  }

  drawMarked(context, slice) {
    const { model } = this;
    const lane = model.lanes[model.track[slice]];
    const x = Math.max(this.x(model.start[slice]), this.left - 4);
    const width = Math.max(3, Math.min(this.x(model.end[slice]), this.right + 4) - x);
    context.strokeStyle = this.colors.text;
    context.lineWidth = 2;
    context.strokeRect(x - 1, lane.y + 2, width + 1, LANE_HEIGHT - 5);
    if (model.waitedFor[slice] >= 0) this.drawArrow(context, slice, 1);
  }

  /** A step line; of many steps within a pixel only the extremes are drawn. */
  drawCounter(context, counter) {
    const { window } = this.model;
    const bottom = counter.y + COUNTER_HEIGHT - 4;
    const top = counter.y + 6;
    const y = (value) => (counter.high > 0 ? bottom - (value / counter.high) * (bottom - top) : bottom);
    let place = lastAtOrBefore(counter.times, window.from);
    context.beginPath();
    // Before its first value a counter has none.
    if (place < 0) place = 0;
    if (counter.times.length === 0) return;
    let [x, value] = [Math.max(this.left, this.x(counter.times[place])), counter.values[place]];
    const begin = x;
    context.moveTo(x, y(value));
    for (place += 1; place < counter.times.length && counter.times[place] <= window.to; place += 1) {
      let [low, high] = [counter.values[place], counter.values[place]];
      x = this.x(counter.times[place]);
      while (place + 1 < counter.times.length && this.x(counter.times[place + 1]) < x + 0.5) {
        place += 1;
        low = Math.min(low, counter.values[place]);
        high = Math.max(high, counter.values[place]);
      }
      context.lineTo(x, y(value));
      context.lineTo(x, y(low));
      context.lineTo(x, y(high));
      value = counter.values[place];
      context.lineTo(x, y(value));
    }
    context.lineTo(this.right, y(value));
    context.strokeStyle = PALETTE[0];
    context.lineWidth = 1.5;
    context.stroke();
    context.lineTo(this.right, bottom);
    context.lineTo(begin, bottom);
    context.globalAlpha = 0.15;
    context.fillStyle = PALETTE[0];
    context.fill();
    context.globalAlpha = 1;
  }
}

/** The least and greatest of many values; spreading them into Math.max would overflow the stack. */
function extremes(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return values.length > 0 ? [low, high] : [0, 0];
}

/** The place of the last of sorted times that is not after a time, or -1. */
function lastAtOrBefore(times, time) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle + 1; else high = middle;
  }
  return low - 1;
}

/** Black or white, whichever is told better from a colour (by WCAG's contrast). */
function inkOn(color) {
  const channel = (start) => {
    const share = parseInt(color.slice(start, start + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  const light = 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
  return (light + 0.05) / 0.05 > 1.05 / (light + 0.05) ? "#000000" : "#ffffff";
}
