// SPDX-License-Identifier: GPL-3.0-or-later
//
// Tables that sort, filter and page. Only the rows of the page shown are in the document.

/** The text of a cell as a reader sees it. */
function cellText(cell, column) {
  if (cell === null || cell === undefined) return "–";
  if (typeof cell === "object") return String(cell.text);
  if (typeof cell === "number") return formatNumber(cell, column.digits);
  return String(cell);
}

/** A text as runs of digits and of other letters, made once for each text. */
const naturalParts = new Map();
function partsOf(text) {
  if (!naturalParts.has(text)) {
    naturalParts.set(text, text.toLowerCase().split(/(\d+)/).filter((part) => part !== "")
      .map((part) => (/^\d/.test(part) ? Number(part) : part)));
  }
  return naturalParts.get(text);
}

/**
 * Orders texts with the numbers in them by size: "9%" before "10%". By code points otherwise, so that
 * every browser orders alike, which its own collation would not.
 */
function compareNaturally(left, right) {
  const [first, second] = [partsOf(left), partsOf(right)];
  for (let index = 0; index < Math.min(first.length, second.length); index += 1) {
    const [a, b] = [first[index], second[index]];
    if (a === b) continue;
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return a < b ? -1 : 1;
  }
  return first.length - second.length;
}

/** Orders two cells: numbers by size, then texts (with numbers in them by size), then none. */
function compareCells(left, right) {
  const rank = (cell) => (cell === null || cell === undefined ? 2 : typeof cell === "number" ? 0 : 1);
  const difference = rank(left) - rank(right);
  if (difference !== 0) return { order: difference, isFixed: true };
  if (rank(left) === 2) return { order: 0, isFixed: true };
  if (rank(left) === 0) return { order: left - right, isFixed: false };
  const text = (cell) => (typeof cell === "object" ? String(cell.text) : String(cell));
  return { order: compareNaturally(text(left), text(right)), isFixed: false };
}

class ReportTable {
  /**
   * `source` gives `count` rows and their cells by `cell(row, column)`, so that an explorer need
   * not copy its thousands of rows. `onSelect(row)` is called for a row that is chosen.
   */
  constructor({ title, titleIsHidden, columns, source, sortable, filter, pageSize, onSelect, rowName }) {
    Object.assign(this, { columns, source, sortable, pageSize: pageSize || null, onSelect, rowName });
    this.sort = null; // { column, isDescending }
    this.needle = "";
    this.page = 0;
    this.rows = Array.from({ length: source.count }, (_, row) => row);
    this.selected = -1;
    this.isWhole = false; // all rows at once, on paper
    this.body = make("tbody");
    this.headings = columns.map((column, index) => this.makeHeading(column, index));
    this.table = make("table", {},
      make("caption", { text: title, class: "visually-hidden" }),
      make("thead", {}, make("tr", {}, ...this.headings)),
      this.body);
    // A box that scrolls must be reachable by the keyboard, or it cannot be scrolled by it.
    this.box = make("div", { class: "table-scroll", role: "region", "aria-label": title, tabindex: "0" }, this.table);
    this.pager = make("div", { class: "pager" });
    // The title stands outside the box that scrolls; the caption is for those who hear the page.
    this.element = make("div", { class: "table-block" },
      titleIsHidden ? null : make("p", { class: "table-title", "aria-hidden": "true", text: title }), filter ? this.makeFilter(title) : null, this.box, this.pager);
    theme.listeners.push(() => this.fitPaper());
    new ResizeObserver(() => this.fitBox()).observe(this.box);
    this.render();
  }

  makeHeading(column, index) {
    const unit = column.unit ? make("span", { class: "unit", text: ` (${column.unit})` }) : null;
    const cell = make("th", { scope: "col", class: column.kind === "number" ? "number" : "text" });
    // A long title takes two lines or three, not five.
    cell.style.minWidth = `${Math.min(11, 3 + 0.24 * titleWithUnit(column.title, column.unit).length)}rem`;
    if (this.sortable) {
      cell.setAttribute("aria-sort", "none");
      const button = make("button", { type: "button", onclick: () => this.sortBy(index) });
      button.append(make("span", { text: column.title }), ...(unit ? [unit] : []));
      cell.append(button);
    } else {
      cell.append(make("span", { text: column.title }), ...(unit ? [unit] : []));
    }
    return cell;
  }

  makeFilter(title) {
    this.count = make("span", { class: "quiet", role: "status" });
    const field = make("input", {
      type: "search", "aria-label": `Filter: ${title}`, placeholder: "Filter rows",
      oninput: () => { this.needle = field.value.trim().toLowerCase(); this.page = 0; this.refresh(); },
    });
    return make("div", { class: "controls" }, field, this.count);
  }

  /** Takes other rows of the source, in its order. */
  setRows(rows) {
    this.rows = rows;
    this.page = 0;
    this.refresh();
  }

  sortBy(column) {
    const isDescending = this.sort !== null && this.sort.column === column && !this.sort.isDescending;
    this.sort = { column, isDescending };
    this.headings.forEach((heading, index) => heading.setAttribute("aria-sort",
      index !== column ? "none" : isDescending ? "descending" : "ascending"));
    this.page = 0;
    this.refresh();
  }

  /** The rows that pass the filter, sorted; rows that are equal keep their order. */
  visibleRows() {
    let rows = this.rows;
    if (this.needle !== "") {
      rows = rows.filter((row) => this.columns.some((column, index) =>
        cellText(this.source.cell(row, index), column).toLowerCase().includes(this.needle)));
    }
    if (this.sort !== null) {
      const { column, isDescending } = this.sort;
      const sign = isDescending ? -1 : 1;
      const keyed = rows.map((row) => ({ row, cell: this.source.cell(row, column) }));
      keyed.sort((left, right) => {
        const { order, isFixed } = compareCells(left.cell, right.cell);
        return isFixed ? order : sign * order; // what has no value stays at the end
      });
      rows = keyed.map(({ row }) => row);
    }
    return rows;
  }

  refresh() {
    this.visible = null;
    this.render();
  }

  render() {
    this.visible = this.visible || this.visibleRows();
    const size = this.pageSize === null || this.isWhole ? Math.max(1, this.visible.length) : this.pageSize;
    const pages = Math.max(1, Math.ceil(this.visible.length / size));
    this.page = Math.min(this.page, pages - 1);
    const shown = this.visible.slice(this.page * size, (this.page + 1) * size);
    this.body.replaceChildren(...shown.map((row) => this.makeRow(row)));
    if (shown.length === 0) {
      this.body.append(make("tr", {}, make("td", { colspan: this.columns.length, class: "quiet", text: "No row passes." })));
    }
    if (this.count) this.count.textContent = `${formatNumber(this.visible.length)} of ${formatNumber(this.source.count)} rows`;
    this.renderPager(pages, size);
  }

  makeRow(row) {
    const line = make("tr", { "data-row": row, class: row === this.selected ? "selected" : null });
    this.columns.forEach((column, index) => {
      const cell = this.source.cell(row, index);
      const isNumber = column.kind === "number";
      const isHeading = index === 0 && !isNumber;
      const place = make(isHeading ? "th" : "td", { scope: isHeading ? "row" : null, class: isNumber ? "number" : "text" });
      if (this.onSelect && index === 0) {
        place.append(make("button", { type: "button", onclick: () => this.onSelect(row), text: cellText(cell, column) }));
        place.classList.add("chooser");
      } else if (cell !== null && typeof cell === "object") {
        place.append(linkOrText(String(cell.text), cell.url));
      } else {
        place.textContent = cellText(cell, column);
      }
      // A name breaks badly; only what is long may.
      if (!isNumber && place.textContent.length <= 28) place.classList.add("short");
      line.append(place);
    });
    return line;
  }

  renderPager(pages, size) {
    if (pages === 1) {
      this.pager.replaceChildren();
      return;
    }
    const turn = (label, page, isEnabled) => make("button", {
      type: "button", text: label, disabled: !isEnabled, "aria-label": `${label} page of ${this.rowName || "rows"}`,
      // The buttons are made anew, so the new one of the same name takes the focus.
      onclick: () => { this.page = page; this.render(); this.focusPager(label); },
    });
    const first = this.page * size + 1;
    const last = Math.min(this.visible.length, first + size - 1);
    this.pager.replaceChildren(
      turn("First", 0, this.page > 0), turn("Previous", this.page - 1, this.page > 0),
      turn("Next", this.page + 1, this.page < pages - 1), turn("Last", pages - 1, this.page < pages - 1),
      make("span", { class: "quiet", role: "status", text: `${formatNumber(first)}–${formatNumber(last)} of ${formatNumber(this.visible.length)}` }));
  }

  focusPager(label) {
    const buttons = [...this.pager.querySelectorAll("button")];
    const same = buttons.find((button) => button.textContent === label && !button.disabled);
    (same || buttons.find((button) => !button.disabled)).focus();
  }

  /** Marks a row, and turns to its page if it is not seen. */
  select(row) {
    this.selected = row;
    const place = this.visible.indexOf(row);
    if (place >= 0 && this.pageSize !== null) this.page = Math.floor(place / this.pageSize);
    this.render();
  }

  /** A box without anything to scroll is no stop for the keyboard. */
  fitBox() {
    const scrolls = this.box.scrollWidth > this.box.clientWidth + 1;
    if (scrolls) this.box.setAttribute("tabindex", "0"); else this.box.removeAttribute("tabindex");
  }

  /** Paper has no pager: a table of at most a hundred rows is printed whole. */
  fitPaper() {
    const isWhole = (theme.isPrinting || theme.printing.matches) && this.visible.length <= 100;
    if (isWhole === this.isWhole) return;
    this.isWhole = isWhole;
    this.render();
  }
}

/** A table block of the page document. */
function drawTable(block) {
  const rows = block.rows;
  const table = new ReportTable({
    title: block.title || "Table",
    titleIsHidden: !block.title,
    columns: block.columns,
    source: { count: rows.length, cell: (row, column) => rows[row][column] },
    sortable: block.sortable,
    filter: block.filter,
    pageSize: block.page_size,
  });
  return make("div", { class: "block panel table-block" }, table.element);
}
