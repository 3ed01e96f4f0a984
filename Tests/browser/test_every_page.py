# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold for any page: the samples, and those that MOESIM_PAGES names."""

import unittest

import expected
import looks
import pages


class PageChecks:
    """The checks of one page. What only looks shares the opened pages; what acts has one of its own."""

    path = None
    name = None

    @classmethod
    def setUpClass(cls):
        cls.opened = {}
        pages.SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    @classmethod
    def tearDownClass(cls):
        for opened in cls.opened.values():
            opened.close()

    def open(self, theme="light", size="desktop"):
        key = (theme, size)
        if key not in self.opened:
            self.opened[key] = pages.Opened(self.path, theme, size)
        return self.opened[key]

    def needed(self, opened, kind):
        """The page's blocks of a kind; the test is skipped where there are none."""
        return opened.blocks(kind) or self.skipTest(f"the page has no {kind}")

    def test_stands_alone_and_is_silent(self):
        with pages.Opened(self.path) as opened:
            print(f"ready in {opened.seconds:.2f} s ", end="", flush=True)
            self.assertEqual(opened.complaints, [])
            outside = [url for url in opened.requests if not url.startswith(("file:", "data:"))]
            self.assertEqual(outside, [])
            self.assertEqual(len([url for url in opened.requests if url.startswith("file:")]), 1)

    def test_cards_hold_the_figures_of_the_document(self):
        opened = self.open()
        figures = [figure for block in self.needed(opened, "figures") for figure in block["figures"]]
        self.assertEqual(opened.evaluate(looks.CARDS),
                         [{key: figure[key] for key in ("key", "value", "text")} for figure in figures])

    def test_structure_is_told_to_assistive_technology(self):
        opened = self.open()
        page, document = opened.page, opened.document
        self.assertEqual(page.title(), document["title"])
        self.assertEqual(page.locator("h1").all_text_contents(), [document["title"]])
        titles = [section["title"] for section in document["sections"]]
        self.assertEqual(page.locator("main h2").all_text_contents(), titles)
        self.assertEqual(page.locator("nav a").all_text_contents(), titles)
        for table in page.locator("main table").all():
            self.assertNotEqual(table.locator("caption").text_content().strip(), "")
            self.assertEqual(table.locator("thead th:not([scope=col])").count(), 0)
            sorts = table.locator("thead th:has(button)")
            self.assertEqual(sorts.count(), table.locator("thead th[aria-sort=none]").count())

    def test_charts_are_drawn_and_described(self):
        opened = self.open()
        for block in self.needed(opened, "chart"):
            figure = opened.page.locator(f"#block-{block['id']}")
            image = figure.locator("[role=img]")
            self.assertEqual(image.get_attribute("aria-labelledby"), figure.locator("h3").get_attribute("id"))
            described = opened.page.locator("#" + image.get_attribute("aria-describedby"))
            self.assertEqual(described.text_content(), block["description"])
            self.assertGreater(len(block["description"]), 10)
            drawn = image.locator("svg, canvas").first.bounding_box()
            self.assertGreater(min(drawn["width"], drawn["height"]), 40)
            marks = image.locator("svg .role-mark :is(path, text, line)").count()
            canvas = image.locator("canvas")
            self.assertTrue(marks > 0 or canvas.count() > 0 and canvas.evaluate(looks.HAS_INK), block["id"])

    def test_tables_sort(self):
        with pages.Opened(self.path) as opened:
            for block in self.needed(opened, "table"):
                if block["sortable"]:
                    self.check_sorting(opened, block)

    def check_sorting(self, opened, block):
        box = opened.page.locator(f"#block-{block['id']}")
        for place, column in enumerate(block["columns"]):
            for order in ("ascending", "descending"):
                box.locator("thead button").nth(place).click()
                self.assertEqual(box.locator("thead th").nth(place).get_attribute("aria-sort"), order)
                self.assertEqual(box.locator("thead th[aria-sort=none]").count(), len(block["columns"]) - 1)
                rows = expected.sorted_rows(block["rows"], place, order == "descending")
                shown = box.locator(f"tbody tr > :nth-child({place + 1})").all_text_contents()
                self.assertEqual(len(shown), min(len(rows), block["page_size"] or len(rows)))
                wrong = [(row[place], text) for row, text in zip(rows, shown)
                         if not expected.matches(row[place], text)]
                self.assertEqual(wrong, [], f"{column['title']}, {order}")

    def test_explorers_count_what_passes(self):
        with pages.Opened(self.path) as opened:
            for block in self.needed(opened, "explorer"):
                axis = next((axis["key"] for axis in block["axes"] if opened.page.locator(
                    f'fieldset[data-axis="{axis["key"]}"] .chip').count() > 1), None)
                if axis is None:
                    continue
                chip = opened.page.locator(f'#block-{block["id"]} fieldset[data-axis="{axis}"] .chip').first
                label = chip.locator("span").first.text_content()
                chip.locator("input").uncheck()
                count = sum(label != str(row["axes"].get(axis)) for row in block["rows"])
                self.assertEqual(opened.page.locator(".shown-count").first.text_content(),
                                 f"{count:,} of {len(block['rows']):,} runs shown")

    def test_timelines_zoom(self):
        with pages.Opened(self.path) as opened:
            for block in self.needed(opened, "timeline"):
                box = opened.page.locator(f"#block-{block['id']}")
                window = f"() => moesim.timelines['{block['id']}'].window()"
                self.assertEqual(opened.evaluate(window), {"from": block["from"], "to": block["to"]})
                box.get_by_role("button", name="Zoom in").click()
                seen = opened.evaluate(window)
                self.assertAlmostEqual(seen["to"] - seen["from"], (block["to"] - block["from"]) / 2, delta=2)
                self.assertTrue(box.locator("canvas").evaluate(looks.HAS_INK))

    def test_everything_is_reached_by_the_keyboard(self):
        with pages.Opened(self.path) as opened:
            count = opened.evaluate(looks.COUNT_INTERACTIVE)
            self.assertEqual(opened.evaluate(looks.NAMELESS), [])
            reached, dim = set(), []
            opened.evaluate("() => { document.body.tabIndex = -1; document.body.focus(); }")
            for _ in range(count + 5):
                opened.page.keyboard.press("Tab")
                focused = opened.evaluate(looks.FOCUSED)
                if focused["place"] < 0 or focused["place"] in reached:
                    break
                reached.add(focused["place"])
                if focused["outline"] < 1:
                    dim.append(focused["tag"])
            self.assertEqual(sorted(set(range(count)) - reached), [], f"of {count} not reached")
            self.assertEqual(dim, [], "focus is not seen")

    def test_text_stands_out_from_its_ground(self):
        for theme in ("light", "dark"):
            opened = self.open(theme)
            result = opened.evaluate(looks.LOW_CONTRAST)
            self.assertGreater(result["count"], 5)
            self.assertEqual(result["found"], [], theme)

    def test_no_width_makes_the_page_scroll_sideways(self):
        for size in ("phone", "desktop"):
            self.assertEqual(self.open("light", size).evaluate(looks.SIDEWAYS), 0, size)

    def test_the_theme_button_redraws(self):
        with pages.Opened(self.path, theme="light") as opened:
            ground = "() => getComputedStyle(document.body).backgroundColor"
            dark = self.open("dark").evaluate(ground)
            self.assertNotEqual(opened.evaluate(ground), dark)
            opened.page.get_by_role("button", name="Dark theme").click()
            opened.settle()
            self.assertEqual(opened.evaluate(ground), dark)
            opened.page.get_by_role("button", name="Light theme").wait_for()
            self.assertEqual(opened.evaluate(looks.LOW_CONTRAST)["found"], [])

    def test_screenshots(self):
        for theme, size in (("light", "desktop"), ("dark", "desktop"), ("light", "phone"), ("dark", "phone")):
            self.open(theme, size).page.screenshot(
                path=pages.SCREENSHOTS / f"{self.name}-{size}-{theme}.png", full_page=True)

    def test_paper_is_light_and_holds_the_charts(self):
        with pages.Opened(self.path, theme="dark") as opened:
            opened.page.pdf(path=pages.SCREENSHOTS / f"{self.name}.pdf", format="A4", print_background=True)
            opened.page.emulate_media(media="print", color_scheme="dark")
            opened.settle()
            self.assertEqual(opened.evaluate("() => getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)")
            self.assertEqual(opened.evaluate(looks.LOW_CONTRAST)["found"], [])
            controls = opened.page.locator("main .controls button, main .pager, main input, main select, nav").all()
            self.assertFalse(any(control.is_visible() for control in controls))
            for block in opened.blocks("chart"):
                self.assertTrue(opened.page.locator(f"#block-{block['id']} [role=img]").is_visible())
            opened.page.screenshot(path=pages.SCREENSHOTS / f"{self.name}-print.png", full_page=True)
            self.assertEqual(opened.complaints, [])


def load_tests(loader, _, __):
    """A class of tests for each page, so that a page's name chooses its tests."""
    suite = unittest.TestSuite()
    for name, path in pages.every_page().items():
        kind = type(f"Page_{name.replace('-', '_')}", (PageChecks, unittest.TestCase), {"path": path, "name": name})
        suite.addTests(loader.loadTestsFromTestCase(kind))
    return suite
