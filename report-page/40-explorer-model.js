// SPDX-License-Identifier: GPL-3.0-or-later
//
// An explorer's rows as columns of numbers, and the one filter that its three drawings share.

/** More distinct values than this, and a numeric axis is filtered by a range rather than chosen from. */
const CHOICES_OF_NUMBERS = 12;

const STATUS_ORDER = ["ok", "unstable", "infeasible", "timeout", "crashed", "failed"];

/** Whether a figure spans so much that a linear axis would squeeze most of it. */
function isWide(figure) {
  return figure.low > 0 && figure.high / figure.low > 30;
}

class ExplorerModel {
  constructor(block) {
    this.rows = block.rows;
    this.dimensions = [
      ...block.axes.map((axis) => this.makeAxis(axis)),
      ...block.figures.map((figure) => this.makeFigure(figure)),
    ];
    this.figures = this.dimensions.filter((dimension) => dimension.role === "figure");
    this.axes = this.dimensions.filter((dimension) => dimension.role === "axis");
    this.statuses = STATUS_ORDER.filter((status) => this.rows.some((row) => row.status === status));
    this.hasFront = this.rows.some((row) => row.front);
    const figure = (key, fallback) => this.figures.find((candidate) => candidate.key === key) || this.figures[fallback];
    this.x = figure(block.x, 0);
    this.y = figure(block.y, Math.min(1, this.figures.length - 1));
    this.isLogarithmic = { x: isWide(this.x), y: isWide(this.y) };
    this.colorBy = this.axes.find((axis) => axis.choices && axis.choices.length > 1 && axis.choices.length <= PALETTE.length) || null;
    this.selected = -1;
    this.hovered = -1;
    this.listeners = [];
    this.version = 0; // of what passes and of its colours
    this.clear(false);
  }

  makeAxis(axis) {
    const values = this.rows.map((row) => row.axes[axis.key] ?? null);
    const distinct = [...new Set(values.filter((value) => value !== null))];
    const isNumeric = distinct.every((value) => typeof value === "number");
    const dimension = { key: axis.key, title: axis.title, unit: axis.unit || null, role: "axis", choices: null };
    if (isNumeric && distinct.length > CHOICES_OF_NUMBERS) {
      dimension.column = Float64Array.from(values, (value) => (value === null ? NaN : value));
    } else {
      distinct.sort(isNumeric ? (left, right) => left - right : compareNaturally);
      const place = new Map(distinct.map((value, index) => [value, index]));
      dimension.choices = distinct.map((value) => (typeof value === "number" ? formatNumber(value) : String(value)));
      dimension.column = Float64Array.from(values, (value) => (value === null ? NaN : place.get(value)));
    }
    return this.withExtent(dimension);
  }

  makeFigure(figure) {
    return this.withExtent({
      key: figure.key, title: figure.title, unit: figure.unit || null, better: figure.better, role: "figure", choices: null,
      column: Float64Array.from(this.rows, (row) => {
        const value = row.figures[figure.key];
        return typeof value === "number" ? value : NaN;
      }),
    });
  }

  withExtent(dimension) {
    let low = Infinity;
    let high = -Infinity;
    for (const value of dimension.column) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return Object.assign(dimension, { low, high, isConstant: !(high > low) });
  }

  /** Puts a figure on an axis of the scatter, which is logarithmic if the figure spans much. */
  chooseFigure(name, figure) {
    this[name] = figure;
    this.isLogarithmic[name] = isWide(figure);
  }

  /** A dimension's value of a row as a reader sees it. */
  text(dimension, row) {
    const value = dimension.column[row];
    if (Number.isNaN(value)) return "–";
    return dimension.choices ? dimension.choices[value] : formatNumber(value);
  }

  /** What a row is, as label/value pairs. */
  describe(row) {
    return [
      ["Status", this.rows[row].status],
      ...this.dimensions.map((dimension) => [titleWithUnit(dimension.title, dimension.unit), this.text(dimension, row)]),
    ];
  }

  colorOf(row) {
    if (!this.colorBy) return PALETTE[0];
    const choice = this.colorBy.column[row];
    return Number.isNaN(choice) ? PALETTE[6] : PALETTE[choice];
  }

  // The filter ------------------------------------------------------------------------------

  /** Lets every row pass. */
  clear(notifies = true) {
    for (const dimension of this.dimensions) {
      dimension.chosen = dimension.choices ? new Set(dimension.choices.keys()) : null;
      dimension.range = [-Infinity, Infinity];
    }
    this.shownStatuses = new Set(this.statuses);
    this.onlyFront = false;
    this.update(notifies);
  }

  /** Keeps what lies within [low, high] of a dimension; for choices, those of the places within. */
  setRange(dimension, low, high) {
    if (dimension.choices) {
      dimension.chosen = new Set([...dimension.choices.keys()].filter((place) => place >= low && place <= high));
    } else {
      dimension.range = [low, high];
    }
    this.update();
  }

  isLimited(dimension) {
    return dimension.choices ? dimension.chosen.size < dimension.choices.length
      : dimension.range[0] > -Infinity || dimension.range[1] < Infinity;
  }

  get isFiltered() {
    return this.onlyFront || this.shownStatuses.size < this.statuses.length
      || this.dimensions.some((dimension) => this.isLimited(dimension));
  }

  /** A row without a value passes a dimension that is not limited. */
  passes(row, limited) {
    if (!this.shownStatuses.has(this.rows[row].status)) return false;
    if (this.onlyFront && !this.rows[row].front) return false;
    for (const dimension of limited) {
      const value = dimension.column[row];
      if (dimension.choices) {
        if (!dimension.chosen.has(value)) return false;
      } else if (!(value >= dimension.range[0] && value <= dimension.range[1])) {
        return false;
      }
    }
    return true;
  }

  /** Recomputes what passes and its front, and tells the drawings. */
  update(notifies = true) {
    this.version += 1;
    const limited = this.dimensions.filter((dimension) => this.isLimited(dimension));
    this.shown = [];
    this.isShown = new Uint8Array(this.rows.length);
    for (let row = 0; row < this.rows.length; row += 1) {
      if (this.passes(row, limited)) {
        this.shown.push(row);
        this.isShown[row] = 1;
      }
    }
    if (this.selected >= 0 && !this.isShown[this.selected]) this.selected = -1;
    this.front = this.computeFront();
    this.isOnFront = new Uint8Array(this.rows.length);
    for (const row of this.front) this.isOnFront[row] = 1;
    if (notifies) this.notify("filter");
  }

  /** The axes of the scatter, or the colours, changed. */
  updateChoice() {
    this.update(false);
    this.notify("choice");
  }

  select(row) {
    this.selected = row;
    this.notify("selection");
  }

  hover(row) {
    if (row === this.hovered) return;
    this.hovered = row;
    this.notify("hover");
  }

  notify(what) {
    for (const listener of this.listeners) listener(what);
  }

  /**
   * Rows of status "ok" among those shown that no other shown one beats in both chosen figures, from
   * the best x on. Sorting costs O(n log n); then one pass keeps what improves y.
   */
  computeFront() {
    const { x, y } = this;
    const sign = (figure) => (figure.better === "higher" ? -1 : 1);
    const [xSign, ySign] = [sign(x), sign(y)];
    const rows = this.shown.filter((row) => this.rows[row].status === "ok"
      && !Number.isNaN(x.column[row]) && !Number.isNaN(y.column[row]));
    rows.sort((left, right) => xSign * (x.column[left] - x.column[right]) || ySign * (y.column[left] - y.column[right]));
    const front = [];
    let best = Infinity;
    let bestX = NaN;
    for (const row of rows) {
      const value = ySign * y.column[row];
      // Equal in both figures is not beaten: twins stand on the front together.
      if (value < best || (value === best && x.column[row] === bestX)) {
        front.push(row);
        best = value;
        bestX = x.column[row];
      }
    }
    return front;
  }
}
