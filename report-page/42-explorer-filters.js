// SPDX-License-Identifier: GPL-3.0-or-later
//
// An explorer's filters: chips for choices, ranges for numbers. They show the model's state, which
// brushing in the parallel coordinates changes too.

class ExplorerFilters {
  constructor(model) {
    this.model = model;
    this.refreshers = [];
    this.count = make("span", { class: "shown-count", role: "status" });
    this.reset = make("button", { type: "button", text: "Clear filters", onclick: () => model.clear() });
    const figureRanges = make("details", { class: "figure-ranges" },
      make("summary", { text: "Ranges of figures" }),
      make("div", { class: "filter-grid ranges" }, ...model.figures.map((figure) => this.makeRange(figure))));
    this.element = make("section", { class: "filters", "aria-label": "Filters" },
      make("div", { class: "controls" }, this.count, this.reset, model.hasFront ? this.makeFrontSwitch() : null),
      make("div", { class: "filter-grid" },
        ...model.axes.filter((axis) => !axis.isConstant).map((axis) => (axis.choices ? this.makeChips(axis) : this.makeRange(axis))),
        model.statuses.length > 1 ? this.makeStatuses() : null),
      figureRanges);
    model.listeners.push((what) => { if (what === "filter") this.refresh(); });
    this.refresh();
  }

  makeFrontSwitch() {
    const { model } = this;
    const box = make("input", { type: "checkbox", onchange: () => { model.onlyFront = box.checked; model.update(); } });
    this.refreshers.push(() => { box.checked = model.onlyFront; });
    return make("label", {}, box, "Only the sweep’s own Pareto front");
  }

  /** A group of check boxes in the shape of chips. `isOn(key)` and `set(key, isOn)` are its state. */
  makeGroup(title, entries, isOn, set) {
    const chips = entries.map(({ key, label, count }) => {
      const box = make("input", { type: "checkbox", value: String(key), onchange: () => set(key, box.checked) });
      this.refreshers.push(() => { box.checked = isOn(key); });
      return make("label", { class: "chip" }, box, make("span", { text: label }),
        make("span", { class: "quiet", text: formatNumber(count) }));
    });
    return make("fieldset", {}, make("legend", { text: title }), make("div", { class: "chips" }, ...chips));
  }

  makeChips(axis) {
    const counts = new Array(axis.choices.length).fill(0);
    for (const choice of axis.column) if (!Number.isNaN(choice)) counts[choice] += 1;
    const group = this.makeGroup(titleWithUnit(axis.title, axis.unit),
      axis.choices.map((label, key) => ({ key, label, count: counts[key] })),
      (key) => axis.chosen.has(key),
      (key, isOn) => {
        if (isOn) axis.chosen.add(key); else axis.chosen.delete(key);
        this.model.update();
      });
    group.dataset.axis = axis.key;
    return group;
  }

  makeStatuses() {
    const { model } = this;
    const group = this.makeGroup("Status",
      model.statuses.map((status) => ({ key: status, label: status, count: model.rows.filter((row) => row.status === status).length })),
      (status) => model.shownStatuses.has(status),
      (status, isOn) => {
        if (isOn) model.shownStatuses.add(status); else model.shownStatuses.delete(status);
        model.update();
      });
    group.dataset.axis = "status";
    return group;
  }

  /** Two fields, empty where there is no limit; their placeholders are the extremes. */
  makeRange(dimension) {
    const title = titleWithUnit(dimension.title, dimension.unit);
    const field = (end, name) => {
      const input = make("input", {
        type: "number", step: "any", "aria-label": `${title}, ${name}`,
        placeholder: Number.isFinite(dimension.low) ? formatNumber(end === 0 ? dimension.low : dimension.high) : "–",
        oninput: () => {
          const value = input.valueAsNumber;
          const range = [...dimension.range];
          range[end] = Number.isNaN(value) ? (end === 0 ? -Infinity : Infinity) : value;
          this.model.setRange(dimension, range[0], range[1]);
        },
      });
      this.refreshers.push(() => {
        if (document.activeElement === input) return; // what someone types stays as typed
        const limit = dimension.range[end];
        input.value = Number.isFinite(limit) ? String(Number(limit.toPrecision(6))) : "";
      });
      return input;
    };
    const set = make("fieldset", { "data-axis": dimension.key },
      make("legend", { text: title }),
      make("div", { class: "range" }, field(0, "at least"), make("span", { class: "quiet", text: "to" }), field(1, "at most")));
    return set;
  }

  refresh() {
    const { model } = this;
    this.count.textContent = `${formatNumber(model.shown.length)} of ${formatNumber(model.rows.length)} runs shown`;
    this.reset.disabled = !model.isFiltered;
    for (const refresher of this.refreshers) refresher();
  }
}
