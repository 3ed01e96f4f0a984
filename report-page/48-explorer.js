// SPDX-License-Identifier: GPL-3.0-or-later
//
// The explorer of a sweep: filters, scatter, parallel coordinates and table over one model.

class Explorer {
  constructor(block) {
    this.block = block;
    this.model = new ExplorerModel(block);
    this.filters = new ExplorerFilters(this.model);
    this.scatter = new ExplorerScatter(this.model);
    this.parallel = new ExplorerParallel(this.model);
    this.table = this.makeTable();
    this.element = make("div", { class: "block panel explorer" },
      this.filters.element, this.scatter.element,
      this.parallel.dimensions.length > 1 ? this.parallel.element : null,
      make("section", { "aria-label": "Runs" }, this.table.element));
    this.model.listeners.push((what) => this.follow(what));
    this.follow("filter");
  }

  makeTable() {
    const { model } = this;
    const columns = [
      { key: "id", title: "Run", kind: "text" },
      { key: "status", title: "Status", kind: "text" },
      { key: "front", title: "On front", kind: "text" },
      ...model.dimensions.map((dimension) => ({
        key: dimension.key, title: dimension.title, unit: dimension.unit, digits: null,
        kind: dimension.role === "figure" || !dimension.choices ? "number" : "text",
      })),
    ];
    const cell = (row, column) => {
      if (column === 0) return model.rows[row].id;
      if (column === 1) return model.rows[row].status;
      if (column === 2) return model.isOnFront[row] ? "yes" : "no";
      const dimension = model.dimensions[column - 3];
      const value = dimension.column[row];
      if (Number.isNaN(value)) return null;
      return dimension.choices ? dimension.choices[value] : value;
    };
    return new ReportTable({
      title: "Runs that pass the filters", columns, source: { count: model.rows.length, cell },
      sortable: true, filter: false, pageSize: 20, rowName: "runs", onSelect: (row) => model.select(row),
    });
  }

  follow(what) {
    if (what === "filter") this.table.setRows(this.model.shown);
    if (what === "choice") this.table.refresh();
    if (what === "selection" && this.model.selected >= 0) this.table.select(this.model.selected);
    if (what === "selection" && this.model.selected < 0) { this.table.selected = -1; this.table.render(); }
  }

  draw() {
    this.scatter.draw();
    this.parallel.draw();
  }

  /** What tests and scripts read, and the places of things on the canvases. */
  readout() {
    const { model, scatter, parallel } = this;
    const identifiers = (rows) => rows.map((row) => model.rows[row].id);
    return {
      shown: () => identifiers(model.shown),
      front: () => identifiers(model.front),
      selected: () => (model.selected < 0 ? null : model.rows[model.selected].id),
      hovered: () => (model.hovered < 0 ? null : model.rows[model.hovered].id),
      total: model.rows.length,
      placeOnScatter: (id) => scatter.placeOf(model.rows.findIndex((row) => row.id === id)),
      placeOnParallel: (key, value) => {
        const index = parallel.dimensions.findIndex((dimension) => dimension.key === key);
        return [parallel.places[index], parallel.placeOf(parallel.dimensions[index], value)];
      },
    };
  }
}
