# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks one by one: texts stay texts, tables filter and page, charts are what was asked for."""

import re
import unittest

import documents
import expected
import pages


class TextTests(unittest.TestCase):
    def test_texts_are_never_markup(self):
        with pages.Opened(pages.sample("run")) as opened:
            page = opened.page
            self.assertEqual(page.locator("main img").count(), 0)
            self.assertEqual(page.locator(".notices li").all_text_contents(), opened.blocks("notices")[0]["notices"])
            self.assertEqual(page.locator("#block-scenario code").text_content(), documents.SCENARIO)

    def test_a_document_cannot_end_its_element(self):
        text = "</script><script>window.isBroken = true</script><!-- <b>"
        path = pages.page_of("ends", {"type": "code", "id": "text", "text": text, "language": "shell"})
        with pages.Opened(path) as opened:
            self.assertEqual(opened.page.locator("#block-text code").text_content(), text)
            self.assertFalse(opened.evaluate("() => 'isBroken' in window"))

    def test_only_links_of_the_web_are_links(self):
        with pages.Opened(pages.sample("run")) as opened:
            facts = opened.page.locator("#block-facts dd")
            self.assertEqual(facts.nth(0).locator("a").get_attribute("href"), opened.blocks("facts")[0]["facts"][0]["url"])
            self.assertEqual(facts.nth(2).text_content(), "cuda-graphs")
            self.assertEqual(facts.nth(2).locator("a").count(), 0)

    def test_an_unstable_run_is_marked(self):
        with pages.Opened(pages.sample("run")) as opened:
            self.assertEqual(opened.page.locator(".notice.grave").all_text_contents(),
                             opened.blocks("notices")[0]["notices"][:1])

    def test_what_is_unknown_is_said(self):
        path = pages.page_of("unknown", {"type": "hologram", "id": "h"}, documents.HEADLINE)
        with pages.Opened(path) as opened:
            self.assertIn("'hologram'", opened.page.locator("#block-h").text_content())
            self.assertEqual(opened.page.locator(".card").count(), len(documents.HEADLINE["figures"]))

    def test_a_code_is_copied(self):
        with pages.Opened(pages.sample("run")) as opened:
            opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
            opened.page.locator("#block-scenario").get_by_role("button", name="Copy").click()
            opened.page.get_by_role("button", name="Copied").wait_for()
            self.assertEqual(opened.evaluate("() => navigator.clipboard.readText()"), documents.SCENARIO)


class TableTests(unittest.TestCase):
    def test_a_filter_keeps_rows_that_hold_its_text(self):
        with pages.Opened(pages.sample("validation")) as opened:
            box = opened.page.locator("#block-cases")
            rows = opened.blocks("table")[0]["rows"]
            box.get_by_role("searchbox").fill("infinity")
            passing = [row for row in rows if row[1]["text"] == "MoE-Infinity"]
            self.assertIn(f"{len(passing)} of {len(rows)} rows", box.text_content())
            self.assertEqual(box.locator("tbody tr > :first-child").all_text_contents(), [row[0] for row in passing[:25]])
            box.get_by_role("searchbox").fill("no such text")
            self.assertEqual(box.locator("tbody").text_content(), "No row passes.")

    def test_pages_turn_by_keyboard(self):
        with pages.Opened(pages.sample("validation")) as opened:
            box = opened.page.locator("#block-cases")
            box.get_by_role("button", name="Next page of rows").focus()
            shown = []
            for place in range(11):
                shown += box.locator("tbody tr > :first-child").all_text_contents()
                if place < 10:
                    opened.page.keyboard.press("Enter")
            self.assertEqual(shown, [row[0] for row in opened.blocks("table")[0]["rows"]])
            # At the end "Next" is gone, and the focus is on a button nonetheless.
            self.assertEqual(opened.evaluate("() => document.activeElement.textContent"), "First")

    def test_paper_shows_all_rows_of_a_small_table(self):
        rows = [[f"row {number}", number] for number in range(60)]
        path = pages.page_of("paper", documents.table(
            "small", "Small", [documents.column("name", "Name", "text"), documents.column("value", "Value")], rows, page_size=10))
        with pages.Opened(path) as opened:
            self.assertEqual(opened.page.locator("#block-small tbody tr").count(), 10)
            opened.page.emulate_media(media="print")
            opened.settle()
            self.assertEqual(opened.page.locator("#block-small tbody tr").count(), 60)
            opened.page.emulate_media(media="screen")
            opened.settle()
            self.assertEqual(opened.page.locator("#block-small tbody tr").count(), 10)

    def test_numbers_are_written_as_asked(self):
        columns = [documents.column("a", "A", digits=2), documents.column("b", "B", digits=0), documents.column("c", "C")]
        rows = [[1234.5, 0.5, 153412], [-0.005, 1e6, 0.59716], [None, 2.5, 1.5e-7], ["unstable", 12, 12345.678]]
        with pages.Opened(pages.page_of("numbers", documents.table("n", "N", columns, rows))) as opened:
            shown = [line.locator("td").all_text_contents() for line in opened.page.locator("#block-n tbody tr").all()]
            self.assertEqual([line[0] for line in shown], ["1,234.50", "−0.01", "–", "unstable"])
            self.assertEqual([line[1] for line in shown][1:2], ["1,000,000"])
            self.assertEqual([line[2] for line in shown], ["153,412", "0.5972", "1.50e−7", "12,346"])


class ChartTests(unittest.TestCase):
    BARS = [{"part": "a", "ms": 30}, {"part": "b", "ms": 10}, {"part": "c", "ms": 60}]

    def bars(self, **more):
        encoding = {"y": {"field": "part", "type": "nominal"}, "x": {"field": "ms", "type": "quantitative"},
                    "tooltip": [{"field": "part"}, {"field": "ms"}]}
        return documents.chart("bars", "Bars", "Three bars of some lengths.", self.BARS, mark="bar", encoding=encoding, **more)

    def test_bars_are_as_long_as_their_values(self):
        for theme in ("light", "dark"):
            with pages.Opened(pages.page_of("bars", self.bars()), theme=theme) as opened:
                bars = opened.page.locator("#block-bars svg .mark-rect.role-mark path").all()
                widths = [bar.bounding_box()["width"] for bar in bars]
                for value, width in zip(self.BARS, widths, strict=True):
                    self.assertAlmostEqual(width / widths[0], value["ms"] / self.BARS[0]["ms"], delta=0.02)
                rows = opened.evaluate("() => moesim.views.bars.data('source_0').map(({part, ms}) => ({part, ms}))")
                self.assertEqual(rows, self.BARS)

    def test_a_pointer_reads_values(self):
        with pages.Opened(pages.page_of("bars", self.bars())) as opened:
            opened.page.locator("#block-bars svg .mark-rect.role-mark path").nth(2).hover()
            tip = opened.page.locator("#tooltip")
            tip.wait_for()
            self.assertEqual(tip.locator("tr").all_text_contents(), ["partc", "ms60"])
            opened.page.mouse.move(2, 2)
            tip.wait_for(state="hidden")

    def test_values_are_a_table_too(self):
        with pages.Opened(pages.page_of("bars", self.bars())) as opened:
            opened.page.locator("#block-bars summary").click()
            lines = opened.page.locator("#block-bars tbody tr")
            self.assertEqual([line.locator("> *").all_text_contents() for line in lines.all()],
                             [[value["part"], str(value["ms"])] for value in self.BARS])

    def test_a_chart_is_saved_as_svg(self):
        with pages.Opened(pages.page_of("bars", self.bars())) as opened:
            with opened.page.expect_download() as download:
                opened.page.get_by_role("button", name="Save as SVG: Bars").click()
            self.assertEqual(download.value.suggested_filename, "bars.svg")
            text = download.value.path().read_text(encoding="utf-8")
            self.assertTrue(text.startswith("<svg") and len(re.findall("<path", text)) >= 3, text[:200])

    def test_a_theme_is_no_part_of_a_specification(self):
        colors = []
        for theme in ("light", "dark"):
            with pages.Opened(pages.page_of("bars", self.bars()), theme=theme) as opened:
                colors.append(opened.page.locator("#block-bars svg .role-axis-label text").first.get_attribute("fill"))
                self.assertNotIn("config", opened.blocks("chart")[0]["spec"])
        self.assertNotEqual(*colors)

    def test_a_chart_may_not_load_anything(self):
        block = self.bars()
        block["spec"]["data"] = {"url": "https://example.org/data.json"}
        path = pages.page_of("loads", block, documents.HEADLINE)
        with pages.Opened(path) as opened:
            self.assertEqual([url for url in opened.requests if not url.startswith(("file:", "data:"))], [])
            self.assertEqual(opened.page.locator(".card").count(), len(documents.HEADLINE["figures"]))

    def test_a_broken_chart_says_so_and_leaves_the_rest(self):
        block = self.bars()
        block["spec"]["mark"] = "no-such-mark"
        with pages.Opened(pages.page_of("broken", block, documents.HEADLINE)) as opened:
            self.assertIn("could not be drawn", opened.page.locator("#block-bars").text_content())
            self.assertTrue(any("chart bars" in complaint for complaint in opened.complaints))
            self.assertEqual(opened.page.locator(".card").count(), len(documents.HEADLINE["figures"]))


class NavigationTests(unittest.TestCase):
    def test_a_link_leads_to_its_section_and_is_marked(self):
        with pages.Opened(pages.sample("run")) as opened:
            link = opened.page.locator("nav a", has_text="Latencies")
            link.click()
            opened.settle()
            self.assertLess(opened.page.locator("#latencies").bounding_box()["y"], 100)
            self.assertEqual(opened.page.locator("nav a[aria-current]").all_text_contents(), ["Latencies"])
            self.assertTrue(link.is_visible(), "the navigation stays in sight")

    def test_the_first_stop_skips_to_the_report(self):
        with pages.Opened(pages.sample("run")) as opened:
            opened.page.keyboard.press("Tab")
            self.assertEqual(opened.evaluate("() => document.activeElement.textContent"), "Skip to the report")
            opened.page.keyboard.press("Enter")
            self.assertEqual(opened.evaluate("() => document.activeElement.id"), "content")


class ExpectationTests(unittest.TestCase):
    """The expectations themselves, on cases that are plain."""

    def test_natural_order(self):
        rows = [["10%"], ["9%"], [None], [3], ["b"]]
        self.assertEqual(expected.sorted_rows(rows, 0, False), [[3], ["9%"], ["10%"], ["b"], [None]])
        self.assertEqual(expected.sorted_rows(rows, 0, True), [[3], ["b"], ["10%"], ["9%"], [None]])

    def test_a_wrong_text_does_not_match(self):
        self.assertTrue(expected.matches(1234.56, "1,234.6"))
        self.assertFalse(expected.matches(1234.56, "1,234.7"))
        self.assertTrue(expected.matches(1.5e-7, "1.50e−7"))
        self.assertFalse(expected.matches(None, "0"))


if __name__ == "__main__":
    unittest.main()
