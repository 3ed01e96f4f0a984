# SPDX-License-Identifier: GPL-3.0-or-later
"""Page documents of each kind, shaped as moesim writes them; the same at each call."""

import math
import random

GENERATOR = "moesim 0.1.0"
SOURCE = {"text": "NVIDIA Ada GPU architecture, table 2",
          "url": "https://images.nvidia.com/aem-dam/Solutions/geforce/ada/nvidia-ada-gpu-architecture.pdf"}


def document(kind, title, subtitle, sections):
    return {"document_version": 1, "kind": kind, "title": title, "subtitle": subtitle,
            "generator": GENERATOR, "sections": sections}


def section(identifier, title, blocks, *text):
    return {"id": identifier, "title": title, "text": list(text), "blocks": blocks}


def figure(key, label, value, unit, interval=None, note=None, digits=1):
    text = "–" if value is None else f"{value:,.{digits}f} {unit}".strip()
    return {"key": key, "label": label, "value": value, "text": text, "interval": interval, "note": note}


def chart(identifier, title, description, values, **spec):
    return {"type": "chart", "id": identifier, "title": title, "description": description, "source": [],
            "spec": {"$schema": "https://vega.github.io/schema/vega-lite/v6.json", "width": "container",
                     "autosize": {"type": "fit-x", "contains": "padding"}, "height": 240,
                     "data": {"values": values}, **spec}}


def column(key, title, kind="number", unit=None, digits=None):
    return {"key": key, "title": title, "kind": kind, "unit": unit, "digits": digits}


def table(identifier, title, columns, rows, sortable=True, filter=False, page_size=None):
    return {"type": "table", "id": identifier, "title": title, "columns": columns, "rows": rows,
            "sortable": sortable, "filter": filter, "page_size": page_size}


# A run -----------------------------------------------------------------------------------------

SCENARIO = """\
name: quickstart
model: mixtral-8x7b
hardware: rtx-4090-desktop
precision: {experts: int4}
cache: {experts: 50%}          # <b>not markup</b> </script>
policy: lru
workload:
  trace: conversation-sample.csv
  rate: × 0.003
  requests: 80
run: {warmup: 4}
"""

HEADLINE = {"type": "figures", "id": "headline", "figures": [
    figure("tpot_ms.mean", "Time per output token", 156.30582, "ms", "151.2 – 161.4 ms, 95 %"),
    figure("tpot_ms.p99", "Time per output token, p99", 313.283399, "ms"),
    figure("ttft_ms.mean", "Time to first token", 3132.996966, "ms", "2,410 – 3,856 ms, 95 %"),
    figure("ttft_ms.p99", "Time to first token, p99", 45813.346908, "ms", note="limit 60,000 ms: met"),
    figure("throughput.output_tokens_per_second", "Output tokens", 4.355958, "per second", digits=2),
    figure("expert_cache.hit_rate", "Expert cache hits", 0.59716, "of accesses", digits=3),
    figure("cost.usd_per_million_output_tokens", "Cost of a million output tokens", 9.948515, "USD",
           note="purchase written off over 3 years", digits=2),
    figure("accuracy.expected", "Expected accuracy", None, "%", note="no measurement of this precision"),
]}

RESOURCES = ["gpu0.compute", "gpu0.hbm", "gpu0.h2d", "gpu0.link.down", "host.dram"]


def history_values(windows=80):
    randomness = random.Random(5)
    values = []
    for window in range(windows):
        load = 0.4 + 0.3 * math.sin(window / 9)
        for place, resource in enumerate(RESOURCES):
            busy = max(0, min(1, load * (0.2 + 0.3 * place) + randomness.uniform(-0.06, 0.06)))
            values.append({"minutes": window, "resource": resource, "busy": round(busy, 4)})
    return values


def quantile_values():
    return [{"figure": name, "share": share / 100, "ms": round(scale * math.exp(spread * (share / 50 - 1)), 3)}
            for name, scale, spread in (("time to first token", 997, 1.6), ("time per output token", 129, 0.6))
            for share in range(1, 100)]


def run_charts():
    breakdown = [{"part": part, "ms": ms} for part, ms in (
        ("demand load", 86.3), ("experts", 9.1), ("attention", 12.9), ("runtime overhead", 0.1), ("combine", 0.4))]
    layers = [{"layer": layer, "expert": expert, "share": round(abs(math.sin(layer * 1.7 + expert * 2.3)), 3)}
              for layer in range(32) for expert in range(8)]
    breakdown_chart = chart(
        "breakdown", "Where the time of a token goes",
        "Bars of the mean time that a token spends in each part of a step. Longer bars are what to work on.",
        breakdown, height={"step": 28}, mark="bar", encoding={
            "y": {"field": "part", "type": "nominal", "sort": "-x", "title": None},
            "x": {"field": "ms", "type": "quantitative", "title": "ms per token"},
            "tooltip": [{"field": "part"}, {"field": "ms", "format": ".3f"}]})
    breakdown_chart["source"] = [SOURCE, {"text": "Assumption: overhead as measured on one machine", "url": None}]
    return [
        breakdown_chart,
        chart("busy", "How busy each resource was",
              "Lines of the busy share of each resource in windows of one minute. A line near one is a bottleneck.",
              history_values(), mark={"type": "line"}, encoding={
                  "x": {"field": "minutes", "type": "quantitative", "title": "minutes since the start"},
                  "y": {"field": "busy", "type": "quantitative", "title": "busy share", "scale": {"domain": [0, 1]}},
                  "color": {"field": "resource", "type": "nominal", "title": None}}),
        chart("latency", "Distribution of latencies",
              "For each latency the share of requests that had at most that. Steep lines are even service.",
              quantile_values(), mark={"type": "line", "interpolate": "step-after"}, encoding={
                  "x": {"field": "ms", "type": "quantitative", "scale": {"type": "log"}, "title": "ms"},
                  "y": {"field": "share", "type": "quantitative", "title": "share of requests"},
                  "color": {"field": "figure", "type": "nominal", "title": None}}),
        chart("heat", "Which experts are called",
              "A cell for each layer and expert; lighter cells are called more often.",
              layers, mark="rect", encoding={
                  "x": {"field": "layer", "type": "ordinal", "title": "layer"},
                  "y": {"field": "expert", "type": "ordinal", "title": "expert"},
                  "color": {"field": "share", "type": "quantitative", "title": "share"}}),
    ]


def run():
    waits = table("resources", "Resources", [
        column("name", "Resource", "text"), column("utilization", "Busy", unit=None, digits=3),
        column("wait", "Mean wait", unit="ms", digits=3), column("operations", "Operations"),
        column("source", "Source", "link")],
        [[name, round(0.05 + 0.08 * place, 6), round(0.03 * place, 6), 2224043 - 311 * place,
          {"text": "datasheet", "url": SOURCE["url"]} if place % 2 == 0 else None]
         for place, name in enumerate(RESOURCES)])
    return document("run", "quickstart", "Mixtral-8x7B on a desktop with an RTX 4090, LRU", [
        section("summary", "Summary", [
            {"type": "notices", "id": "notices", "notices": [
                "UNSTABLE: requests arrive faster than they are served; figures depend on how long the run is",
                "slo.ttft_p99 of 60000.0 ms: met, found 45813.347 ms",
                "<img src=x onerror=alert(1)> is a text like any other"]},
            HEADLINE], "Simulated with 80 requests. Intervals are of the mean, by batch means."),
        section("time", "Where the time goes", run_charts()[:1]),
        section("resources", "Resources", [run_charts()[1], waits]),
        section("latencies", "Latencies", [run_charts()[2]]),
        section("experts", "Experts", [run_charts()[3]]),
        section("timeline", "Timeline", [timeline(400)], "One window of the run, slice by slice."),
        section("setting", "Setting", [
            {"type": "facts", "id": "facts", "facts": [
                {"label": "Model", "text": "Mixtral-8x7B", "url": "https://huggingface.co/mistralai/Mixtral-8x7B-v0.1"},
                {"label": "Hardware", "text": "rtx-4090-desktop", "url": None},
                {"label": "Runtime", "text": "cuda-graphs", "url": "javascript:alert(1)"},
                {"label": "Workload", "text": "conversation-sample.csv, rate × 0.003, 80 requests", "url": None}]},
            {"type": "code", "id": "scenario", "text": SCENARIO, "language": "yaml"},
            {"type": "code", "id": "command", "text": "moesim simulate scenarios/quickstart.yaml --format json",
             "language": "shell"}]),
    ])


def runs():
    rows = [[replication, round(150 + 9 * math.sin(replication), 6), round(3100 + 400 * math.cos(replication), 6),
             "steady" if replication != 3 else "not steady"] for replication in range(5)]
    return document("runs", "quickstart, 5 replications", "Means over replications with intervals of 95 %", [
        section("summary", "Summary", [HEADLINE]),
        section("replications", "Replications", [
            table("replications", "Each replication", [
                column("replication", "Replication"), column("tpot", "Time per output token", unit="ms", digits=2),
                column("ttft", "Time to first token", unit="ms", digits=1),
                column("state", "Steady state", "text")], rows),
            chart("spread", "Spread over replications", "A point for each replication.",
                  [{"replication": row[0], "ms": row[1]} for row in rows], mark="point", encoding={
                      "x": {"field": "replication", "type": "ordinal"},
                      "y": {"field": "ms", "type": "quantitative", "scale": {"zero": False}}})]),
    ])


def comparison():
    policies = ["lru", "lfu", "prefetch-next-layer", "fiddler", "belady"]
    rows = [[name, round(150 - 11.3 * place, 4), None if place == 0 else round(-11.3 * place, 4),
             "unstable" if name == "fiddler" else round(3.4 + 0.1 * place, 4),
             None if place == 0 else round(0.04 / place, 4)] for place, name in enumerate(policies)]
    bars = [{"policy": name, "part": part, "ms": round(size * (1 - 0.13 * place), 3)}
            for place, name in enumerate(policies)
            for part, size in (("demand load", 86.3), ("compute", 22.1), ("host compute", 4.5), ("staging", 2.5))]
    return document("comparison", "Policies on quickstart", "Five policies, three replications, paired by replication", [
        section("verdict", "Verdict", [
            {"type": "figures", "id": "verdict", "figures": [
                figure("best.tpot_ms", "Time per output token of prefetch-next-layer", 127.4, "ms",
                       "125.0 – 129.8 ms, 95 %", "15 % less than lru")]},
            table("policies", "Policies", [
                column("policy", "Policy", "text"), column("tpot", "Time per output token", unit="ms", digits=1),
                column("difference", "Difference from lru", unit="ms", digits=1),
                column("throughput", "Output tokens", unit="1/s", digits=2), column("p", "p", digits=4)], rows)]),
        section("why", "Why", [chart(
            "parts", "What the time is made of", "Stacked bars, one for each policy, of the parts of a token's time.",
            bars, mark="bar", encoding={
                "y": {"field": "policy", "type": "nominal", "title": None, "sort": policies},
                "x": {"field": "ms", "type": "quantitative", "title": "ms per token"},
                "color": {"field": "part", "type": "nominal", "title": None}})]),
    ])


# A sweep -----------------------------------------------------------------------------------------

def explorer(count):
    randomness = random.Random(11)
    policies, precisions = ["lru", "lfu", "prefetch-next-layer", "fiddler"], ["bf16", "int8", "int4"]
    rows = []
    for number in range(count):
        policy, precision = randomness.choice(policies), randomness.choice(precisions)
        cache, batch = randomness.choice(["10%", "30%", "50%", "70%", "100%"]), randomness.choice([1, 2, 4, 8, 16])
        rate = round(randomness.uniform(0.1, 8), 4)
        load = rate / batch * (3 - precisions.index(precision)) * (1.1 - int(cache[:-1]) / 100)
        tpot = round(12 + 2.5 * batch + 9 * load + 4 * policies.index(policy) + randomness.expovariate(0.2), 6)
        status = "infeasible" if precision == "bf16" and cache == "100%" else "unstable" if load > 12 else "ok"
        if number % 397 == 396:
            status = randomness.choice(["timeout", "crashed", "failed"])
        has_figures = status in ("ok", "unstable")
        rows.append({
            "id": f"run-{number:05d}", "status": status, "front": False,
            "axes": {"policy": policy, "precision.experts": precision, "cache.experts": cache,
                     "serving.max_batch": batch, "workload.rate": rate},
            "figures": {
                "tpot_ms.mean": tpot if has_figures else None,
                "ttft_ms.mean": round(200 + 90 * load + randomness.expovariate(0.01), 6) if has_figures else None,
                "throughput.output_tokens_per_second": round(batch * 1000 / tpot, 6) if has_figures else None,
                "cost.usd_per_million_output_tokens": round(tpot / (0.4 * batch) * randomness.uniform(0.8, 1.25), 6) if has_figures else None,
                "expert_cache.hit_rate": round(min(1, int(cache[:-1]) / 100 + 0.1 * randomness.random()), 6)
                if has_figures else None}})
    mark_front(rows, "tpot_ms.mean", "cost.usd_per_million_output_tokens")
    return {"type": "explorer", "id": "explorer", "rows": rows, "x": "cost.usd_per_million_output_tokens",
            "y": "tpot_ms.mean",
            "axes": [{"key": key, "title": title} for key, title in (
                ("policy", "Policy"), ("precision.experts", "Precision of experts"), ("cache.experts", "Experts in the cache"),
                ("serving.max_batch", "Largest batch"), ("workload.rate", "Requests per second"))],
            "figures": [{"key": key, "title": title, "unit": unit, "better": better} for key, title, unit, better in (
                ("tpot_ms.mean", "Time per output token", "ms", "lower"),
                ("ttft_ms.mean", "Time to first token", "ms", "lower"),
                ("throughput.output_tokens_per_second", "Output tokens", "1/s", "higher"),
                ("cost.usd_per_million_output_tokens", "Cost of a million output tokens", "USD", "lower"),
                ("expert_cache.hit_rate", "Expert cache hits", None, "higher"))]}


def mark_front(rows, first, second):
    """Marks the rows that no other beats in both figures, each of which is better when lower."""
    feasible = sorted((row for row in rows if row["status"] == "ok"),
                      key=lambda row: (row["figures"][first], row["figures"][second]))
    best = math.inf
    for row in feasible:
        if row["figures"][second] < best:
            best, row["front"] = row["figures"][second], True


def sweep(count=150):
    return document("sweep", "cache-and-batch", f"{count:,} runs over five keys", [
        section("explore", "Explore", [explorer(count)], "Every run of the sweep. All drawings share the filters."),
        section("study", "Study", [{"type": "code", "id": "study", "language": "shell",
                                    "text": "moesim sweep run scenarios/quickstart.yaml --vary policy=lru,lfu"}]),
    ])


# A plan and a validation ---------------------------------------------------------------------------

def plan():
    front = [{"usd": round(0.08 * 1.6 ** place, 4), "tpot": round(39.3 / 1.3 ** place, 3),
              "label": f"{'rtx-3060' if place < 3 else 'rtx-4090'}-desktop | lru | experts int4 | {25 * place}%"}
             for place in range(6)]
    bill = [["NVIDIA GeForce RTX 3060 12 GB", 1, 329.0, 170.0], ["AMD Ryzen 7 5800X", 1, 449.0, 142.0],
            ["DDR4-3200, 2 channels", 1, 192.0, 5.966], ["Desktop: board, case, 1000 W supply", 1, 650.0, 60.0]]
    return document("plan", "small", "108 candidates: 3 machines, 3 policies, 3 precisions, 4 sizes of the cache", [
        section("answer", "Answer", [
            {"type": "figures", "id": "answer", "figures": [
                figure("best.usd_per_hour", "Cost", 0.080216, "USD per hour", "0.0799 – 0.0805 USD, 95 %", digits=4),
                figure("best.purchase_usd", "Purchase", 1700.0, "USD", digits=0),
                figure("best.p99_tpot_ms", "Time per output token, p99", 39.337215, "ms", "37.3 – 41.4 ms, 95 %",
                       "limit 40 ms: met, not certain")]},
            {"type": "notices", "id": "plan-notices", "notices": ["The interval of the best candidate crosses a limit."]}]),
        section("front", "Cost against speed", [chart(
            "front", "Finalists", "A point for each finalist; what lies to the lower left is cheaper and faster.",
            front, layer=[
                {"mark": {"type": "line", "interpolate": "step-after"}, "encoding": {
                    "x": {"field": "usd", "type": "quantitative", "title": "USD per hour"},
                    "y": {"field": "tpot", "type": "quantitative", "title": "ms per token, p99"}}},
                {"mark": {"type": "point", "filled": True, "size": 80}, "encoding": {
                    "x": {"field": "usd", "type": "quantitative"}, "y": {"field": "tpot", "type": "quantitative"},
                    "tooltip": [{"field": "label"}, {"field": "usd"}, {"field": "tpot"}]}}])]),
        section("bill", "Bill of materials", [table("bill", "What to buy", [
            column("name", "Part", "text"), column("count", "Count"), column("usd", "Each", unit="USD", digits=0),
            column("watts", "Power", unit="W", digits=1)], bill, sortable=False)]),
    ])


def validation(cases=260):
    randomness = random.Random(3)
    systems = ["Fiddler", "Mixtral-offloading", "Pre-gated MoE", "MoE-Infinity", "vLLM"]
    rows, points = [], []
    for number in range(cases):
        system = systems[number % len(systems)]
        published = round(randomness.lognormvariate(2.5, 1.1), 3)
        error = randomness.gauss(0, 0.12)
        rows.append([f"case-{number}", {"text": system, "url": "https://arxiv.org/abs/2402.07033"}, published,
                     round(published * (1 + error), 3), round(100 * error, 4), "yes" if abs(error) < 0.2 else "no"])
        points.append({"system": system, "published": published, "simulated": rows[-1][3]})
    return document("validation", "Simulated against published", f"{cases} cases of {len(systems)} systems", [
        section("summary", "Summary", [{"type": "figures", "id": "errors", "figures": [
            figure("median_error", "Median error", 8.1, "%", note="each system one vote")]}]),
        section("scatter", "Simulated against published", [chart(
            "scatter", "Each case", "A point for each case; on the diagonal simulation and publication agree.",
            points, mark={"type": "point", "filled": True}, encoding={
                "x": {"field": "published", "type": "quantitative", "scale": {"type": "log"}, "title": "published, tokens per second"},
                "y": {"field": "simulated", "type": "quantitative", "scale": {"type": "log"}, "title": "simulated"},
                "color": {"field": "system", "type": "nominal", "title": None},
                "shape": {"field": "system", "type": "nominal", "title": None}})]),
        section("cases", "Cases", [table("cases", "Every case", [
            column("case", "Case", "text"), column("system", "System", "link"),
            column("published", "Published", unit="1/s", digits=2), column("simulated", "Simulated", unit="1/s", digits=2),
            column("error", "Error", unit="%", digits=1), column("within", "Within tolerance", "text")],
            rows, filter=True, page_size=25)]),
    ])


# A timeline ----------------------------------------------------------------------------------------

def timeline(count):
    """Steps of a decode: loads on one lane, experts that wait for them on another, and counters."""
    randomness = random.Random(17)
    names, categories = ["attention", "gate", "expert", "load", "step"], ["compute", "load", "overhead"]
    slices = {key: [] for key in ("track", "name", "category", "start", "end", "layer", "expert", "waited_for")}
    begin = now = 312_904_763_667

    def add(track, name, category, start, length, layer=-1, expert=-1, waited_for=-1):
        for key, value in zip(slices, (track, names.index(name), categories.index(category), start, start + length,
                                       layer, expert, waited_for)):
            slices[key].append(value)
        return start + length

    waiting, cached = ([], []), ([], [])
    layer = 0
    while len(slices["start"]) < count:
        if layer == 0:
            now = add(0, "step", "overhead", now, 150_000)
            for series, value in ((waiting, randomness.randint(0, 6)), (cached, 10752 - randomness.randint(0, 500))):
                series[0].append(now)
                series[1].append(value)
        now = add(0, "attention", "compute", now, randomness.randint(300_000, 450_000), layer)
        now = add(0, "gate", "compute", now, 9_624, layer)
        for expert in sorted(randomness.sample(range(8), 2)):
            waited_for = -1
            if randomness.random() < 0.4:
                now = add(1, "load", "load", now, 3_692_772, layer, expert)
                waited_for = len(slices["start"]) - 1
            now = add(0, "expert", "compute", now, 345_732, layer, expert, waited_for)
        layer = (layer + 1) % 32
    return {"type": "timeline", "id": "timeline", "from": begin, "to": now,
            "tracks": [{"process": "gpu0", "thread": "compute"}, {"process": "gpu0", "thread": "host to device"},
                       {"process": "gpu0", "thread": "device to host"}, {"process": "host", "thread": "staging copy"}],
            "names": names, "categories": categories, "slices": slices,
            "counters": [{"track": 3, "name": "waiting requests", "times": waiting[0], "values": waiting[1]},
                         {"track": 0, "name": "expert cache (MiB)", "times": cached[0], "values": cached[1]}],
            "note": None}


def large_timeline():
    block = timeline(20_000)
    block["note"] = "The first 20,000 slices of the recording."
    return document("run", "A long timeline", "20,000 slices", [section("timeline", "Timeline", [block])])


DOCUMENTS = {
    "run": run, "runs": runs, "comparison": comparison, "sweep": sweep, "plan": plan, "validation": validation,
    "sweep-5000": lambda: sweep(5000), "timeline-20000": large_timeline,
}
