# SPDX-License-Identifier: GPL-3.0-or-later
"""What moesim's own pages show, read in the browser and held against the JSON that they were made from."""

import statistics
import unittest

import expected
import pages

REAL = pages.real_pages()


def at(value, key):
    """The value at a dotted key."""
    for part in key.split("."):
        value = value[part]
    return value


@unittest.skipUnless(REAL, "no pages with their JSON: set MOESIM_PAGES to a folder of 'scripts/make-pages'")
class RealPages(unittest.TestCase):
    def opened(self, name):
        if name not in REAL:
            self.skipTest(f"no page {name}")
        path, value = REAL[name]
        opened = pages.Opened(path)
        self.addCleanup(opened.close)
        return opened, value

    def shown(self, opened, identifier):
        """The first page of a table: what is read in each cell, by the keys of its columns."""
        block = next(block for block in opened.blocks("table") if block["id"] == identifier)
        keys = [column["key"] for column in block["columns"]]
        rows = opened.page.locator(f"#block-{identifier} tbody tr").all()
        self.assertGreater(len(rows), 0)
        return [dict(zip(keys, row.locator("> *").all_text_contents())) for row in rows]

    def check(self, value, text, what):
        self.assertTrue(expected.matches(value, text), f"{what}: {text} is shown of {value}")

    def check_cards(self, opened, value, scale=lambda key: 1):
        cards = opened.page.locator(".card").all()
        self.assertGreater(len(cards), 2)
        for card in cards:
            key = card.get_attribute("data-key")
            text = card.locator(".card-value").text_content().split()[0].removeprefix("$").removesuffix("%")
            self.check(at(value, key) * scale(key), text, key)

    def test_run(self):
        opened, run = self.opened("run")
        self.check_cards(opened, run, lambda key: 100 if key.endswith("hit_rate") else 1)
        rows = {row["name"]: row for row in self.shown(opened, "resources-table")}
        resources = {resource["name"]: resource for resource in run["resources"]}
        self.assertEqual(set(rows) - set(resources), set())
        for name, row in rows.items():
            for key in ("utilization", "busy_seconds", "mean_wait_ms", "operations"):
                self.check(resources[name][key], row[key], f"{name} {key}")

    def test_comparison(self):
        opened, comparison = self.opened("comparison")
        rows = {row["name"]: row for row in self.shown(opened, "figures-table")}
        self.assertEqual(list(rows), [contender["name"] for contender in comparison["rows"]])
        for contender in comparison["rows"]:
            self.check(contender["mean"]["tpot_ms"], rows[contender["name"]]["tpot"], contender["name"])
            self.check(contender["mean"]["hit_rate"], rows[contender["name"]]["hits"], contender["name"])

    def test_sweep(self):
        opened, runs = self.opened("sweep")
        figures = ("tpot_ms.mean", "throughput.output_tokens_per_second", "cost.usd_per_million_output_tokens")
        rows = self.shown(opened, "points-table")
        axes = ("cache.experts", "policy")
        self.assertEqual({tuple(run[axis] for axis in axes) for run in runs},
                         {tuple(row[axis] for axis in axes) for row in rows})
        for row in rows:
            own = [run for run in runs if all(run[axis] == row[axis] for axis in axes)]
            self.assertEqual(int(row["n"]), len(own))
            for figure in figures:
                self.check(statistics.mean(run[figure] for run in own), row[figure], figure)

    def test_plan(self):
        opened, plan = self.opened("plan")
        rows = {int(row["number"]): row for row in self.shown(opened, "finalists")}
        for finalist in plan["finalists"]:
            row = rows[finalist["number"]]
            for key in ("usd_per_million_tokens", "p99_ttft_ms", "p99_tpot_ms", "mean_watts"):
                self.check(finalist[key]["mean"], row[key], key)
            self.check(finalist["bill"]["purchase_usd"], row["purchase"], "purchase")

    def test_validation(self):
        opened, validation = self.opened("validation")
        self.check_cards(opened, validation, lambda key: 100)
        cases = {f"{system['name']}/{case['id']}": case for system in validation["systems"] for case in system["cases"]}
        rows = self.shown(opened, "cases-table")
        self.assertEqual(len(rows), len(cases))
        for row in rows:
            for key in ("published", "simulated", "error"):
                self.check(cases[row["case"]][key], row[key], f"{row['case']} {key}")

    def test_calibration(self):
        opened, laws = self.opened("calibration")
        rows = self.shown(opened, "errors-table")
        self.assertEqual(len(rows), len(laws))
        for law, row in zip(laws, rows):
            self.assertEqual(int(row["points"]), law["points"])
            for key in ("median", "p90", "worst", "bias"):
                self.check(law[key], row[key], f"{row['law']} {key}")

    def test_observation(self):
        opened, observation = self.opened("observation")
        self.check_cards(opened, observation)
        keys = {"time to first token (TTFT)": "ttft_ms", "time per output token (TPOT)": "tpot_ms",
                "end to end (E2EL)": "e2el_ms", "queueing": "queue_ms"}
        for row in self.shown(opened, "latencies-table"):
            figure = observation[keys[row["figure"]]][row["statistic"]]
            for side in ("measured", "simulated"):
                self.check(figure[side], row[side], f"{row['figure']} {row['statistic']} {side}")
