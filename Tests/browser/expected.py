# SPDX-License-Identifier: GPL-3.0-or-later
"""What a page should show, computed from its document by other means than the page's."""

import re


def natural(text):
    """Texts with the numbers in them by size, whatever the case."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part.lower())
            for part in re.split(r"(\d+)", text) if part]


def sorted_rows(rows, place, descending):
    """Rows by a cell: numbers, then texts, then those without; the last always last."""
    def text(cell):
        return cell["text"] if isinstance(cell, dict) else cell
    numbers = [row for row in rows if isinstance(row[place], (int, float))]
    none = [row for row in rows if row[place] is None]
    texts = [row for row in rows if isinstance(row[place], (str, dict))]
    return (sorted(numbers, key=lambda row: row[place], reverse=descending)
            + sorted(texts, key=lambda row: natural(text(row[place])), reverse=descending) + none)


def read_number(text):
    return float(text.replace(",", "").replace("−", "-"))


def matches(cell, shown):
    """Whether a shown text is a cell's value, as exactly as its places say."""
    if cell is None:
        return shown == "–"
    if isinstance(cell, dict):
        return shown == cell["text"]
    if isinstance(cell, str):
        return shown == cell
    places = len(shown.partition(".")[2].partition("e")[0])
    scale = 10 ** int(shown.replace("−", "-").partition("e")[2] or 0)
    return abs(read_number(shown) - cell) <= 0.5000001 * 10 ** -places * scale


def front(explorer, x, y, rows):
    """The identifiers of rows that none beats in both figures, by comparing each with each."""
    better = {figure["key"]: -1 if figure["better"] == "higher" else 1 for figure in explorer["figures"]}
    points = [(better[x] * row["figures"][x], better[y] * row["figures"][y], row["id"]) for row in rows
              if row["status"] == "ok" and row["figures"].get(x) is not None and row["figures"].get(y) is not None]
    return {identifier for a, b, identifier in points
            if not any(c <= a and d <= b and (c < a or d < b) for c, d, _ in points)}
