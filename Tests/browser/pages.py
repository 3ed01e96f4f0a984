# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes pages of documents as moesim does, and opens them in the distribution's Chromium."""

import atexit
import functools
import html
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time

from playwright.sync_api import sync_playwright

import documents

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARTS = ROOT / "report-page"
SCREENSHOTS = ROOT / "out/screenshots"
READY_MILLISECONDS = 20_000  # a page that is not ready by then is broken, not slow
SIZES = {"desktop": {"width": 1360, "height": 900}, "phone": {"width": 360, "height": 740}}


def script_text(text):
    return text.replace("</script", "<\\/script")


def assemble(document):
    """The page of a document, by the rules that docs/report-page.md gives."""
    page = (PARTS / "page.html").read_text(encoding="utf-8")
    scripts = sorted(PARTS.glob("[0-9][0-9]-*.js"))
    replacements = {
        "<!--moesim:title-->": html.escape(document["title"]),
        "/*moesim:style*/": (PARTS / "page.css").read_text(encoding="utf-8"),
        "/*moesim:bundle*/": script_text((PARTS / "vega-bundle.js").read_text(encoding="utf-8")),
        "/*moesim:script*/": script_text("\n".join(path.read_text(encoding="utf-8") for path in scripts)),
        "/*moesim:document*/": json.dumps(document, ensure_ascii=False).replace("<", "\\u003c"),
    }
    for marker in replacements:
        if page.count(marker) != 1:
            sys.exit(f"page.html: the marker {marker} stands {page.count(marker)} times in it, not once")
    # Split first: a text that is put in may itself hold what looks like a marker.
    for marker, text in replacements.items():
        page = page.replace(marker, f"\0{list(replacements).index(marker)}\0")
    pieces = page.split("\0")
    pieces[1::2] = [list(replacements.values())[int(piece)] for piece in pieces[1::2]]
    return "".join(pieces)


@functools.cache
def folder():
    return pathlib.Path(tempfile.mkdtemp(prefix="moesim-pages-"))


@functools.cache
def sample(name):
    """The file of a sample document's page."""
    path = folder() / f"{name}.html"
    path.write_text(assemble(documents.DOCUMENTS[name]()), encoding="utf-8")
    return path


def page_of(name, *blocks):
    """The file of a page with some blocks of its own."""
    path = folder() / f"{name}.html"
    path.write_text(assemble(documents.document(
        "run", name, "", [documents.section("only", "Only", list(blocks))])), encoding="utf-8")
    return path


def every_page():
    """Name and file of the pages that MOESIM_PAGES names, and of the samples of which it has none."""
    real = os.environ.get("MOESIM_PAGES")
    kinds = real_pages()
    found = {name: sample(name) for name in documents.DOCUMENTS if name not in kinds}
    if real:
        paths = sorted(pathlib.Path(real).glob("*.html"))
        if not paths:
            sys.exit(f"MOESIM_PAGES: no *.html in {real}")
        found |= {f"real-{path.stem}": path.resolve() for path in paths}
    return found


def real_pages():
    """Pages that moesim wrote beside the JSON it was given, by kind: file and value. 'scripts/make-pages'."""
    folder_of_pages = os.environ.get("MOESIM_PAGES")
    found = {}
    for path in sorted(pathlib.Path(folder_of_pages).glob("*.json")) if folder_of_pages else []:
        page = path.with_suffix(".html").resolve()
        if page.exists():
            found[path.stem] = (page, json.loads(path.read_text(encoding="utf-8")))
    return found


class Browser:
    """One Chromium for all tests."""

    def __init__(self):
        program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        if program is None:
            sys.exit("test-page: no Chromium: run 'make test-page', which installs it")
        self.playwright = sync_playwright().start()
        # As root Chromium's sandbox refuses to start; the pages are of this checkout.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        self.chromium = self.playwright.chromium.launch(executable_path=program, args=arguments)

    def close(self):
        self.chromium.close()
        self.playwright.stop()
        shutil.rmtree(folder())


@functools.cache
def browser():
    """The browser of this run of tests, closed at its end."""
    started = Browser()
    atexit.register(started.close)
    return started


class Opened:
    """A page that is open and ready, and what it said and asked for on the way."""

    def __init__(self, path, theme="light", size="desktop", touch=False):
        self.context = browser().chromium.new_context(
            viewport=SIZES[size], color_scheme=theme, has_touch=touch, reduced_motion="reduce")
        self.page = self.context.new_page()
        self.complaints, self.requests = [], []
        self.page.on("console", lambda message: self.complaints.append(message.text)
                     if message.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        begin = time.monotonic()
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-ready=true]", timeout=READY_MILLISECONDS, state="attached")
        self.seconds = time.monotonic() - begin

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.context.close()

    def evaluate(self, script, argument=None):
        return self.page.evaluate(script, argument)

    @functools.cached_property
    def document(self):
        return json.loads(self.page.locator("#moesim-document").text_content())

    def blocks(self, kind):
        return [block for section in self.document["sections"] for block in section["blocks"]
                if block["type"] == kind]

    def settle(self):
        """Waits until the frame that an action asked for has been drawn."""
        self.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))")
