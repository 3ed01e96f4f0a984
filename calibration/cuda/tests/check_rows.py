#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that the rows of a table have the names and kernels that the Calibration module reads.

    check_rows.py TABLE.jsonl KernelMeasurement.swift MeasuredKernel.swift
"""

import json
import re
import sys


def coding_keys(path):
    """The names in files, from the enumeration CodingKeys."""
    with open(path) as file:
        body = re.search(r"enum CodingKeys[^{]*\{(.*?)\n  \}", file.read(), re.S).group(1)
    names = set()
    for line in body.splitlines():
        match = re.match(r"\s*case (.*)", line)
        for case in match.group(1).split(",") if match else []:
            name, _, raw = case.partition("=")
            names.add(raw.strip().strip('"') or name.strip())
    # The list of cases may go on over lines.
    return names


def kernels(path):
    with open(path) as file:
        cases = re.findall(r"^  case (\w+)(?: = \"(\w+)\")?", file.read(), re.M)
    return {raw or name for name, raw in cases}


NEEDED = {
    "gemm": {"m", "n", "k", "precision"},
    "gemv": {"m", "n", "k", "precision"},
    "fused_experts": {"tokens", "experts", "activated", "top_k", "hidden", "width", "precision"},
    "grouped_gemm": {"tokens", "experts", "top_k", "n", "k", "precision"},
    "attention_decode": {"batch", "heads", "kv_heads", "head_size", "past"},
    "attention_prefill": {"batch", "heads", "kv_heads", "head_size", "query", "past"},
    "gate": {"tokens", "experts", "top_k", "hidden"},
    "elementwise": {"tokens", "hidden"},
    "embedding": {"tokens", "hidden"},
    "copy": {"bytes", "direction", "streams"},
    "stream": {"bytes"},
    "launch": set(),
}
TEXTS = {
    "device", "kernel", "implementation", "direction", "precision", "activation_precision",
    "kv_precision", "distribution", "source", "date"}
REALS = {"load_ratio", "median_s", "min_s", "max_s"}


def main():
    table, measurement, kernel_file = sys.argv[1:]
    keys, known = coding_keys(measurement), kernels(kernel_file)
    count, seen, shapes = 0, set(), set()
    with open(table) as file:
        for number, line in enumerate(file, start=1):
            row = json.loads(line)
            where = f"{table}:{number}"
            assert set(row) <= keys, f"{where}: {set(row) - keys} are not names of the format"
            assert row["kernel"] in known, f"{where}: kernel {row['kernel']}"
            missing = (NEEDED[row["kernel"]] | {"device", "source", "date", "repeats"}) - set(row)
            assert not missing, f"{where}: {missing} are missing"
            for name, value in row.items():
                expected = (
                    str if name in TEXTS else bool if name == "pinned" else
                    (int, float) if name in REALS else int)
                assert isinstance(value, expected), f"{where}: {name} is {value!r}"
            assert 0 < row["min_s"] <= row["median_s"] <= row["max_s"], f"{where}: times"
            shape = line.partition('"median_s"')[0]
            assert shape not in shapes, f"{where}: this shape stands there twice"
            shapes.add(shape)
            seen.add(row["kernel"])
            count += 1
    assert seen == set(NEEDED), f"{table}: no rows of {set(NEEDED) - seen}"
    print(f"{count} rows are as the Calibration module reads them")


main()
