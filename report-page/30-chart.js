// SPDX-License-Identifier: GPL-3.0-or-later
//
// Charts: Vega-Lite specifications, drawn by the Vega bundle with a configuration for the theme. Of
// the bundle only vegaEmbed is used.

/** What the theme says about a chart; a specification holds none of it. */
function chartConfiguration(isNarrow) {
  const colors = theme.colors;
  const font = getComputedStyle(document.body).fontFamily;
  const axisColors = {
    domainColor: colors.strongLine, tickColor: colors.strongLine, gridColor: colors.line,
    labelColor: colors.muted, titleColor: colors.text,
  };
  const words = { labelFont: font, titleFont: font, labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" };
  return {
    background: null,
    font,
    aria: false, // the figure as a whole has a text; its marks one by one would drown a listener
    view: { stroke: null },
    axis: { ...axisColors, ...words, labelLimit: isNarrow ? 110 : 220, titlePadding: 8, gridOpacity: 0.8, labelSeparation: 6 },
    axisX: { labelFlush: true },
    axisXDiscrete: { labelOverlap: "greedy", labelSeparation: 4 },
    header: { labelColor: colors.text, titleColor: colors.text, labelFont: font, titleFont: font },
    legend: {
      ...words, labelColor: colors.text, titleColor: colors.muted, labelLimit: 220, symbolStrokeWidth: 2,
      ...(isNarrow ? { orient: "bottom", columns: 1 } : { orient: "right" }),
    },
    title: { color: colors.text, subtitleColor: colors.muted, font },
    text: { color: colors.text, font, fontSize: 12 },
    mark: { color: PALETTE[0] },
    rule: { color: colors.strongLine },
    errorbar: { color: colors.text },
    range: { category: PALETTE, heatmap: { scheme: "viridis" }, ramp: { scheme: "viridis" }, ordinal: { scheme: "viridis" } },
  };
}

/** A specification for a narrow screen: one column of a legend, and short labels beside an axis. */
function narrowed(spec) {
  const copy = structuredClone(spec);
  const look = (part) => {
    for (const channel of Object.values((part && part.encoding) || {})) {
      if (channel && channel.legend) Object.assign(channel.legend, { columns: 1, orient: "bottom" });
      if (channel && channel.axis && channel.axis.labelLimit > 110) channel.axis.labelLimit = 110;
    }
    for (const key of ["layer", "concat", "hconcat", "vconcat"]) ((part && part[key]) || []).forEach(look);
    if (part && part.spec) look(part.spec);
  };
  look(copy);
  return copy;
}

/** The values that stand in a specification, in all its layers and parts. */
function valuesIn(spec) {
  const found = [];
  const look = (part) => {
    if (part && part.data && Array.isArray(part.data.values)) found.push(part.data.values);
    for (const key of ["layer", "concat", "hconcat", "vconcat"]) {
      if (part && Array.isArray(part[key])) part[key].forEach(look);
    }
    if (part && part.spec) look(part.spec);
  };
  look(spec);
  return found;
}

/** A chart may not fetch anything: its data stand in the document. */
const refusingLoader = {
  load: () => Promise.reject(new Error("a report's chart has its data inline")),
  // A point may lead to its source; nothing is fetched before somebody follows the link.
  sanitize: (uri, options) => /^https:\/\//.test(uri) && options?.context !== "image"
    ? Promise.resolve({ href: uri, target: "_blank", rel: "noopener noreferrer" })
    : Promise.reject(new Error("a report's chart has no images and links to https alone")),
};

// Vega-Lite warns of a height by steps in every chart as wide as its box, although that is no mistake,
// and writes to the console whatever logger is given. All other warnings pass.
const consoleWarn = console.warn.bind(console);
console.warn = (...words) => {
  if (!words.some((word) => String(word).startsWith('Dropping "fit-'))) consoleWarn(...words);
};

class Chart {
  constructor(block) {
    this.block = block;
    this.values = valuesIn(block.spec);
    // Elements are sharper and can be searched and printed; a canvas is faster for thousands of marks.
    this.renderer = this.values.reduce((sum, values) => sum + values.length, 0) > 3000 ? "canvas" : "svg";
    const titleId = freshId("chart-title");
    const descriptionId = freshId("chart-description");
    this.place = make("div", {
      class: "chart-view", role: "img", "aria-labelledby": titleId, "aria-describedby": descriptionId,
    });
    this.element = make("figure", { class: "block panel chart", id: `block-${block.id}` },
      make("figcaption", {},
        make("h3", { id: titleId, text: block.title }),
        make("p", { id: descriptionId, text: block.description })),
      this.place,
      this.makeFoot());
    theme.listeners.push(() => { if (this.view) this.draw(); });
  }

  makeFoot() {
    const foot = make("div", { class: "chart-foot" });
    const sources = this.block.source || [];
    if (sources.length > 0) {
      foot.append(make("span", {},
        make("span", { text: sources.length > 1 ? "Sources: " : "Source: " }),
        make("ul", {}, ...sources.map((source) => make("li", {}, linkOrText(source.text, source.url))))));
    }
    foot.append(this.makeData() || make("span"), make("button", {
      type: "button", class: "no-print", text: "Save as SVG",
      "aria-label": `Save as SVG: ${this.block.title}`, onclick: () => this.save(),
    }));
    return foot;
  }

  /** The chart's values as tables, made when asked for. */
  makeData() {
    const sets = this.values.filter((values) => values.length > 0 && typeof values[0] === "object");
    if (sets.length === 0) return null;
    const details = make("details", { class: "no-print" },
      make("summary", { text: "Values", "aria-label": `Values of the chart: ${this.block.title}` }));
    details.addEventListener("toggle", () => {
      if (!details.open || details.childElementCount > 1) return;
      sets.forEach((values, index) => details.append(this.makeValueTable(values, sets.length > 1 ? `, part ${index + 1}` : "")));
    });
    return details;
  }

  makeValueTable(values, part) {
    const keys = [...new Set(values.slice(0, 200).flatMap((value) => Object.keys(value)))];
    return new ReportTable({
      title: `Values of the chart: ${this.block.title}${part}`,
      titleIsHidden: true,
      columns: keys.map((key) => ({
        key, title: key, unit: null, digits: null,
        kind: values.every((value) => typeof value[key] === "number" || value[key] == null) ? "number" : "text",
      })),
      source: { count: values.length, cell: (row, column) => {
        const cell = values[row][keys[column]];
        return cell !== null && typeof cell === "object" ? JSON.stringify(cell) : cell;
      } },
      sortable: true, filter: false, pageSize: 25, rowName: "values",
    }).element;
  }

  /**
   * Draws the chart for the present theme and width; the view before it is given up. With data inline
   * nothing is waited for but promises, so a redraw before printing is done before the paper is.
   */
  async draw() {
    this.drawing = (this.drawing || 0) + 1;
    const { drawing } = this;
    this.isNarrow = this.place.clientWidth < 560;
    try {
      const target = make("div");
      if (this.view) this.view.finalize();
      this.place.replaceChildren(target);
      const result = await vegaEmbed(target, this.isNarrow ? narrowed(this.block.spec) : this.block.spec, {
        mode: "vega-lite", config: chartConfiguration(this.isNarrow), renderer: this.renderer, actions: false,
        // Expressions are interpreted, not compiled, so that the page can forbid all evaluation of text.
        ast: true, hover: true, defaultStyle: false, loader: refusingLoader,
        tooltip: (_, event, item, value) => showChartTooltip(event, value),
      });
      if (drawing === this.drawing) this.view = result.view; else result.finalize();
    } catch (problem) {
      console.error(`chart ${this.block.id}:`, problem);
      this.place.replaceChildren(make("p", { class: "notice", text: `This chart could not be drawn: ${problem.message}` }));
    }
  }

  /** Redraws when a legend must move; widths within that are the view's own affair. */
  fit() {
    if (this.view && !theme.isPrinting && (this.place.clientWidth < 560) !== this.isNarrow) this.draw();
  }

  async save() {
    const url = URL.createObjectURL(new Blob([await this.view.toSVG()], { type: "image/svg+xml" }));
    make("a", { href: url, download: `${this.block.id}.svg` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }
}

/** A chart's tooltip: Vega gives a text, or an object of titles and texts. */
function showChartTooltip(event, value) {
  if (value === null || value === undefined || value === "") {
    tooltip.hide();
  } else if (typeof value === "object") {
    tooltip.show(event.clientX, event.clientY, null,
      Object.entries(value).map(([label, text]) => [label, String(text)]));
  } else {
    tooltip.show(event.clientX, event.clientY, String(value));
  }
}
