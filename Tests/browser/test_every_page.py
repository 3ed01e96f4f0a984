# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold for any page: the samples, and those that MOESIM_PAGES names."""

import unittest

import expected
import looks
import pages


class EveryPageTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pages = pages.every_page()
        pages.SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def each(self, **how):
        for name, path in self.pages.items():
            with self.subTest(page=name), pages.Opened(path, **how) as opened:
                yield name, opened

    def test_stands_alone_and_is_silent(self):
        for name, opened in self.each():
            print(f"\n  {name}: ready in {opened.seconds:.2f} s", end="", flush=True)
            self.assertEqual(opened.complaints, [])
            outside = [url for url in opened.requests if not url.startswith(("file:", "data:"))]
            self.assertEqual(outside, [])
            self.assertEqual(len([url for url in opened.requests if url.startswith("file:")]), 1)

    def test_cards_hold_the_figures_of_the_document(self):
        for _, opened in self.each():
            figures = [figure for block in opened.blocks("figures") for figure in block["figures"]]
            self.assertEqual(opened.evaluate(looks.CARDS),
                             [{key: figure[key] for key in ("key", "value", "text")} for figure in figures])

    def test_structure_is_told_to_assistive_technology(self):
        for _, opened in self.each():
            page, document = opened.page, opened.document
            self.assertEqual(page.title(), document["title"])
            self.assertEqual(page.locator("h1").all_text_contents(), [document["title"]])
            titles = [section["title"] for section in document["sections"]]
            self.assertEqual(page.locator("main h2").all_text_contents(), titles)
            self.assertEqual(page.locator("nav a").all_text_contents(), titles)
            for block in opened.blocks("chart"):
                image = page.locator(f"#block-{block['id']}").get_by_role("img")
                self.assertEqual(image.get_attribute("aria-labelledby"),
                                 page.locator(f"#block-{block['id']} h3").get_attribute("id"))
                described = page.locator("#" + image.get_attribute("aria-describedby"))
                self.assertEqual(described.text_content(), block["description"])
                self.assertGreater(len(block["description"]), 10)
                drawn = image.locator("svg, canvas").first.bounding_box()
                self.assertGreater(min(drawn["width"], drawn["height"]), 40)
            for table in page.locator("main table").all():
                self.assertNotEqual(table.locator("caption").text_content().strip(), "")
                self.assertEqual(table.locator("thead th:not([scope=col])").count(), 0)
                sorts = table.locator("thead th:has(button)")
                self.assertEqual(sorts.count(), table.locator("thead th[aria-sort=none]").count())

    def test_tables_sort(self):
        for _, opened in self.each():
            for block in opened.blocks("table"):
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
        for _, opened in self.each():
            for block in opened.blocks("explorer"):
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
        for _, opened in self.each():
            for block in opened.blocks("timeline"):
                box = opened.page.locator(f"#block-{block['id']}")
                window = f"() => moesim.timelines['{block['id']}'].window()"
                self.assertEqual(opened.evaluate(window), {"from": block["from"], "to": block["to"]})
                box.get_by_role("button", name="Zoom in").click()
                seen = opened.evaluate(window)
                self.assertAlmostEqual(seen["to"] - seen["from"], (block["to"] - block["from"]) / 2, delta=2)
                self.assertTrue(box.locator("canvas").evaluate(looks.HAS_INK))

    def test_everything_is_reached_by_the_keyboard(self):
        for _, opened in self.each():
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
            for name, opened in self.each(theme=theme):
                for summary in opened.page.locator("details > summary").all():
                    summary.click()
                result = opened.evaluate(looks.LOW_CONTRAST)
                self.assertGreater(result["count"], 5)
                self.assertEqual(result["found"], [], theme)

    def test_no_width_makes_the_page_scroll_sideways(self):
        for size in ("phone", "desktop"):
            for _, opened in self.each(size=size):
                self.assertEqual(opened.evaluate(looks.SIDEWAYS), 0, size)

    def test_screenshots(self):
        for theme, size in (("light", "desktop"), ("dark", "desktop"), ("light", "phone"), ("dark", "phone")):
            for name, opened in self.each(theme=theme, size=size):
                opened.page.screenshot(path=pages.SCREENSHOTS / f"{name}-{size}-{theme}.png", full_page=True)
        # Printed from the dark theme, which must not show on paper.
        for name, opened in self.each(theme="dark"):
            opened.page.emulate_media(media="print", color_scheme="dark")
            opened.settle()
            self.assertEqual(opened.evaluate("() => getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)")
            opened.page.screenshot(path=pages.SCREENSHOTS / f"{name}-print.png", full_page=True)
            opened.page.emulate_media(media="screen", color_scheme="dark")
            opened.page.pdf(path=pages.SCREENSHOTS / f"{name}.pdf", format="A4")
            self.assertEqual(opened.complaints, [])




def tearDownModule():
    pages.browser().close()
    pages.browser.cache_clear()
    pages.folder.cache_clear()
    pages.sample.cache_clear()


if __name__ == "__main__":
    unittest.main()
