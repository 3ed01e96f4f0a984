// SPDX-License-Identifier: GPL-3.0-or-later
//
// The page: reads the document, makes the sections, then draws what needs a width.

const KINDS = {
  run: "Simulation run", runs: "Several runs", observation: "Measured and simulated", comparison: "Comparison of policies",
  sweep: "Sweep", plan: "Plan", validation: "Validation",
};

/** What blocks leave to be drawn once the page stands, since it needs a width. */
const pending = [];
window.moesim = { document: null, views: {}, explorers: {}, timelines: {}, explorer: null, timeline: null };

const DRAWERS = {
  figures: drawFigures,
  table: drawTable,
  facts: drawFacts,
  notices: drawNotices,
  code: drawCode,
  chart(block) {
    const chart = new Chart(block);
    pending.push(async () => {
      await chart.draw();
      Object.defineProperty(window.moesim.views, block.id, { get: () => chart.view, enumerable: true });
      new ResizeObserver(oncePerFrame(() => chart.fit())).observe(chart.place);
    });
    return chart.element;
  },
  explorer(block) {
    const explorer = new Explorer(block);
    pending.push(() => {
      explorer.draw();
      window.moesim.explorers[block.id] = explorer.readout();
      window.moesim.explorer = window.moesim.explorer || window.moesim.explorers[block.id];
    });
    return explorer.element;
  },
  timeline(block) {
    const timeline = new Timeline(block);
    pending.push(() => {
      timeline.draw();
      window.moesim.timelines[block.id] = timeline.readout();
      window.moesim.timeline = window.moesim.timeline || window.moesim.timelines[block.id];
    });
    return timeline.element;
  },
};

/** Headline cards. `data-value` is the document's figure, for programs that read the page. */
function drawFigures(block) {
  return make("dl", { class: "cards" }, ...block.figures.map((figure) =>
    make("div", { class: "card", "data-key": figure.key, "data-value": JSON.stringify(figure.value ?? null) },
      make("dt", { text: figure.label }),
      make("dd", { class: "card-value" }, ...numberAndUnit(figure.text)),
      figure.interval ? make("dd", { class: "card-interval", text: figure.interval }) : null,
      figure.note ? make("dd", { class: "card-note", text: figure.note }) : null)));
}

/** A figure's text with its number apart from the unit, which is set smaller. */
function numberAndUnit(text) {
  const [, number, unit] = /^([−-]?[\d.,]+(?:e[+−-]?\d+)?)(\s.*)$/.exec(text) || [null, text, null];
  return unit === null ? [number] : [number, make("span", { text: unit })];
}

function drawFacts(block) {
  return make("div", { class: "block panel" }, make("dl", { class: "facts" }, ...block.facts.flatMap((fact) => [
    make("dt", { text: fact.label }), make("dd", {}, linkOrText(fact.text, fact.url)),
  ])));
}

function drawNotices(block) {
  return make("ul", { class: "notices" }, ...block.notices.map((text) =>
    make("li", { class: text.startsWith("UNSTABLE") ? "notice grave" : "notice", text })));
}

/** A text to copy: a scenario, a command. */
function drawCode(block) {
  const text = make("code", { text: block.text });
  const pre = make("pre", { tabindex: "0", role: "region", "aria-label": `${block.language} text` }, text);
  const button = make("button", { type: "button", class: "no-print", text: "Copy" });
  button.addEventListener("click", async () => {
    const isCopied = await copyText(block.text, text);
    button.textContent = isCopied ? "Copied" : "Selected";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  return make("div", { class: "block panel code" },
    make("div", { class: "code-bar" }, make("span", { text: block.language }), button), pre);
}

/** Copies a text, or else selects it so that a key press copies it. */
async function copyText(text, element) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(element);
    return false;
  }
}

function drawBlock(block) {
  const drawer = DRAWERS[block.type];
  const element = drawer ? drawer(block)
    : make("p", { class: "notice", text: `This page does not know how to draw a '${block.type}'.` });
  if (!element.id) element.id = `block-${block.id}`;
  element.dataset.block = block.type;
  return element;
}

function drawSection(section) {
  const headingId = `heading-${section.id}`;
  return make("section", { class: "page-section", id: section.id, "aria-labelledby": headingId },
    make("h2", { id: headingId, text: section.title }),
    ...(section.text || []).map((text) => make("p", { text })),
    ...section.blocks.map(drawBlock));
}

function drawHeader(report) {
  const button = make("button", { type: "button", class: "no-print", id: "theme-toggle" });
  const label = () => {
    button.textContent = theme.isDark ? "Light theme" : "Dark theme";
  };
  button.addEventListener("click", () => theme.toggle());
  theme.listeners.push(label);
  label();
  document.getElementById("page-header").append(
    make("div", {},
      make("p", { class: "page-kind", text: KINDS[report.kind] || report.kind }),
      make("h1", { text: report.title }),
      report.subtitle ? make("p", { class: "page-subtitle", text: report.subtitle }) : null),
    button);
  document.getElementById("page-footer").append(make("p", {
    text: `Made by ${report.generator}. This page is one file that loads nothing else.`,
  }));
}

/** Links to the sections; the one that is read is marked. */
function drawNavigation(report) {
  const links = new Map(report.sections.map((section) =>
    [section.id, make("a", { href: `#${section.id}`, text: section.title })]));
  document.getElementById("page-navigation").append(
    make("ul", {}, ...[...links.values()].map((link) => make("li", {}, link))));
  const mark = oncePerFrame(() => {
    const sections = report.sections.map((section) => document.getElementById(section.id));
    const isAtEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
    const read = isAtEnd && scrollY > 0 ? sections.at(-1)
      : sections.filter((section) => section.getBoundingClientRect().top < innerHeight * 0.3).at(-1) || sections[0];
    for (const [id, link] of links) {
      if (read && id === read.id) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
    }
  });
  addEventListener("scroll", mark, { passive: true });
  mark();
}

async function start() {
  const report = JSON.parse(document.getElementById("moesim-document").textContent);
  window.moesim.document = report;
  theme.start();
  drawHeader(report);
  const main = document.getElementById("content");
  if (report.document_version !== 1) {
    main.append(make("p", { class: "notice grave", text: `This page draws documents of version 1, and this one has ${report.document_version}.` }));
  }
  main.append(...report.sections.map(drawSection));
  drawNavigation(report);
  // The words are seen first; each chart then lets the browser paint.
  for (const draw of pending) {
    await nextPaint();
    await draw();
  }
  await nextPaint();
  // A section that the address names has moved while charts were drawn above it.
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
  document.documentElement.dataset.ready = "true";
}

start().catch((problem) => {
  console.error(problem);
  document.getElementById("content").prepend(make("p", { class: "notice grave", text: `This report could not be drawn: ${problem.message}` }));
});
