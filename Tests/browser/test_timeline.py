# SPDX-License-Identifier: GPL-3.0-or-later
"""The timeline: the window in sight under wheel, drag, fingers and keys, and reading slices."""

import unittest

import pages


class TimelineTests(unittest.TestCase):
    sample = "timeline-20000"

    def setUp(self):
        self.opened = pages.Opened(pages.sample(self.sample), touch=True)
        self.addCleanup(self.opened.close)
        self.page = self.opened.page
        self.block, = self.opened.blocks("timeline")
        self.slices = self.block["slices"]
        self.canvas = self.page.locator(".timeline canvas")
        self.whole = self.block["to"] - self.block["from"]

    def read(self, expression):
        return self.opened.evaluate(f"() => moesim.timeline.{expression}")

    def window(self):
        return self.read("window()")

    def span(self):
        window = self.window()
        return window["to"] - window["from"]

    def set_window(self, first, last):
        """Shows from the beginning of a slice to the end of another."""
        self.opened.evaluate("([from, to]) => moesim.timeline.setWindow(from, to)",
                             [self.slices["start"][first], self.slices["end"][last]])
        self.opened.settle()

    def place(self, index):
        box = self.canvas.bounding_box()
        x, y = self.read(f"placeOf({index})")
        return box["x"] + x, box["y"] + y

    def name(self, index):
        return self.block["names"][self.slices["name"][index]]

    def test_buttons_zoom_and_move(self):
        click = lambda name: self.page.get_by_role("button", name=name, exact=True).click()
        click("Zoom in")
        click("Zoom in")
        self.assertAlmostEqual(self.span(), self.whole / 4, delta=1)
        before = self.window()
        click("Later")
        self.assertAlmostEqual(self.window()["from"] - before["from"], self.whole / 16, delta=1)
        click("Earlier")
        click("Zoom out")
        self.assertAlmostEqual(self.span(), self.whole / 2, delta=1)
        click("Show all of the timeline")
        self.assertEqual(self.window(), {"from": self.block["from"], "to": self.block["to"]})

    def test_the_window_stays_within_the_recording(self):
        self.canvas.focus()
        for key in ("ArrowLeft", "-", "ArrowRight", "+", *["ArrowRight"] * 12):
            self.page.keyboard.press(key)
            window = self.window()
            self.assertGreaterEqual(window["from"], self.block["from"])
            self.assertLessEqual(window["to"], self.block["to"])
        self.assertEqual(self.window()["to"], self.block["to"])
        for _ in range(60):
            self.page.keyboard.press("+")
        self.assertAlmostEqual(self.span(), 100, delta=1)
        self.page.keyboard.press("Home")
        self.assertEqual(self.span(), self.whole)

    def test_a_wheel_keeps_the_time_under_the_pointer(self):
        self.canvas.focus()
        box = self.canvas.bounding_box()
        index = len(self.slices["start"]) // 3
        x, y = self.place(index)
        self.page.mouse.move(x, y)
        self.page.mouse.wheel(0, -40)
        self.opened.settle()
        self.assertLess(self.span(), self.whole * 0.9)
        self.assertAlmostEqual(self.place(index)[0], x, delta=1)
        self.assertEqual(self.opened.evaluate("() => scrollY"), 0)
        self.assertEqual(self.canvas.bounding_box(), box)

    def test_a_wheel_scrolls_the_page_until_the_timeline_has_the_focus(self):
        with pages.Opened(pages.sample("run")) as opened:
            canvas = opened.page.locator(".timeline canvas")
            canvas.scroll_into_view_if_needed()
            box = canvas.bounding_box()
            before = opened.evaluate("() => [scrollY, moesim.timeline.window()]")
            opened.page.mouse.move(box["x"] + 300, box["y"] + 60)
            opened.page.mouse.wheel(0, 120)
            opened.page.wait_for_function("before => scrollY > before", arg=before[0])
            self.assertEqual(opened.evaluate("() => moesim.timeline.window()"), before[1])

    def test_a_drag_moves(self):
        self.set_window(4000, 4400)
        before = self.window()
        x, y = self.place(4200)
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x - 60, y)
        self.page.mouse.move(x - 120, y)
        self.page.mouse.up()
        self.opened.settle()
        self.assertAlmostEqual(self.place(4200)[0], x - 120, delta=1)
        self.assertAlmostEqual(self.span(), before["to"] - before["from"], delta=1)
        self.assertEqual(self.read("focused()"), -1, "a drag is no click")

    def test_two_fingers_zoom(self):
        box = self.canvas.bounding_box()
        y = box["y"] + 60
        middle = box["x"] + box["width"] / 2
        client = self.opened.context.new_cdp_session(self.page)

        def touch(kind, *apart):
            client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [
                {"x": middle + side * half, "y": y, "id": number} for half in apart
                for number, side in enumerate((-1, 1))]})
        touch("touchStart", 50)
        for half in (60, 75, 100):
            touch("touchMove", half)
        touch("touchEnd")
        self.opened.settle()
        self.assertAlmostEqual(self.span() / self.whole, 0.5, delta=0.08)

    def test_a_pointer_reads_a_slice(self):
        waiting = next(index for index, cause in enumerate(self.slices["waited_for"]) if cause >= 0 and index > 2000)
        self.set_window(waiting - 4, waiting + 4)
        self.page.mouse.move(*self.place(waiting))
        self.opened.settle()
        self.assertEqual(self.read("hovered()"), waiting)
        tip = self.page.locator("#tooltip")
        lines = {line.locator("th").text_content(): line.locator("td").text_content() for line in tip.locator("tr").all()}
        self.assertIn(self.name(waiting), tip.locator("strong").text_content())
        self.assertEqual(lines["Layer"], str(self.slices["layer"][waiting]))
        self.assertEqual(lines["Expert"], str(self.slices["expert"][waiting]))
        self.assertEqual(lines["Category"], self.block["categories"][self.slices["category"][waiting]])
        self.assertEqual(lines["Takes"], "345.732 µs")
        self.assertIn(self.name(self.slices["waited_for"][waiting]), lines["Waited for"])

    def test_keys_step_along_a_lane_and_to_what_was_waited_for(self):
        waiting = next(index for index, cause in enumerate(self.slices["waited_for"]) if cause >= 0)
        self.set_window(waiting - 3, waiting + 3)
        self.page.mouse.click(*self.place(waiting))
        self.assertEqual(self.read("focused()"), waiting)
        self.canvas.focus()
        self.page.keyboard.press("w")
        self.assertEqual(self.read("focused()"), self.slices["waited_for"][waiting])
        self.assertIn("load", self.page.locator(".timeline .readout").text_content())
        self.page.keyboard.press("n")
        lane = [index for index, track in enumerate(self.slices["track"]) if track == 1]
        self.assertEqual(self.read("focused()"), lane[lane.index(self.slices["waited_for"][waiting]) + 1])
        self.page.keyboard.press("p")
        self.page.keyboard.press("ArrowUp")
        self.assertEqual(self.slices["track"][self.read("focused()")], 0)

    def test_a_focused_slice_is_brought_into_sight(self):
        self.set_window(100, 130)
        self.page.mouse.click(*self.place(115))
        self.canvas.focus()
        for _ in range(40):
            self.page.keyboard.press("n")
            window, index = self.window(), self.read("focused()")
            self.assertGreaterEqual(self.slices["start"][index], window["from"])
            self.assertLessEqual(self.slices["end"][index], window["to"])

    def test_a_lane_shows_its_slices_where_they_are(self):
        """Reads pixels: the colour of the category within a slice, the panel's in a gap."""
        load = self.slices["track"].index(1)
        later = self.slices["track"].index(1, load + 1)
        self.set_window(load, later)
        gap = (self.slices["end"][load] + self.slices["start"][later]) / 2
        color = lambda x, y: self.canvas.evaluate("""(canvas, [x, y]) => { const scale = canvas.width / canvas.clientWidth;
            return [...canvas.getContext('2d').getImageData(x * scale, y * scale, 1, 1).data]; }""", [x, y])
        x, y = self.read(f"placeOf({load})")
        self.assertEqual(color(x, y - 8)[:3], [0xE6, 0x9F, 0x00])
        left, right = self.read(f"placeOf({load})")[0], self.read(f"placeOf({later})")[0]
        middles = [(self.slices["start"][i] + self.slices["end"][i]) / 2 for i in (load, later)]
        between = left + (gap - middles[0]) / (middles[1] - middles[0]) * (right - left)
        self.assertEqual(color(between, y - 8)[3], 0)

    def test_how_long_a_frame_takes(self):
        """Printed, not judged."""
        took = self.opened.evaluate("""async () => {
            const canvas = document.querySelector('.timeline canvas');
            const begin = performance.now();
            for (let step = 0; step < 20; step += 1) {
              moesim.timeline.setWindow(moesim.document.sections[0].blocks[0].from + step, moesim.document.sections[0].blocks[0].to - step);
              await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())));
              canvas.getContext('2d').getImageData(0, 0, 1, 1);
            }
            return (performance.now() - begin) / 20; }""")
        print(f"20,000 slices: ready in {self.opened.seconds:.2f} s, {took:.0f} ms from zoom to pixels ", end="", flush=True)
        self.assertLess(self.span(), self.whole)


if __name__ == "__main__":
    unittest.main()
