// SPDX-License-Identifier: GPL-3.0-or-later

/// The Python of a notebook's cells.
enum NotebookPython {
  /// What the first cell defines: how tables are read and charts are drawn.
  static func setUp(folder: String) -> String {
    """
    import base64
    import json
    from pathlib import Path

    import pandas as pd
    import vl_convert
    from IPython.display import display

    DATA = Path(\(quoted(folder)))
    pd.set_option("display.max_columns", None, "display.max_colwidth", 100, "display.width", 140)
    pd.set_option("display.float_format", lambda x: f"{x:,.0f}" if abs(x) >= 1000 else f"{x:.4g}")


    def read(name, texts=()):
        \"""The table DATA/name.csv; columns in texts stay texts, and empty fields are missing.\"""
        return pd.read_csv(DATA / f"{name}.csv", dtype={key: str for key in texts},
                           keep_default_na=False, na_values=[""])


    def draw(spec):
        \"""Shows a Vega-Lite specification: alive where the viewer can, else as a picture.\"""
        picture = vl_convert.vegalite_to_png(json.dumps(spec), scale=1.5)
        display({"application/vnd.vegalite.v6+json": spec,
                 "image/png": base64.b64encode(picture).decode(),
                 "text/plain": spec.get("description", "a chart")}, raw=True)


    def chart(name):
        \"""Draws DATA/name.vl.json with the rows of the CSV files that it names.\"""
        def filled(part):
            if isinstance(part, list):
                return [filled(item) for item in part]
            if not isinstance(part, dict):
                return part
            if str(part.get("url", "")).endswith(".csv"):
                kinds = part["format"]["parse"]
                texts = [key for key, kind in kinds.items() if kind in ("string", None)]
                rows = read(Path(part["url"]).stem, texts).astype(object)
                rows = rows.fillna({key: "" for key, kind in kinds.items() if kind is None})
                return {"values": rows.where(rows.notna(), None).to_dict("records")}
            return {key: filled(item) for key, item in part.items()}

        draw(filled(json.loads((DATA / f"{name}.vl.json").read_text(encoding="utf-8"))))
    """
  }

  /// Reads a table and shows it under the headings of the page.
  static func show(_ name: String, _ table: NotebookTable) -> String {
    let variable = variable(name)
    let renamed = table.columns.filter { $0.key != $0.title }
    var lines = ["\(variable) = \(read(name, table))"]
    if renamed.isEmpty {
      lines.append(variable)
    } else {
      lines.append("\(variable).rename(columns={")
      lines += renamed.map { "    \(quoted($0.key)): \(quoted($0.title))," }
      lines.append("})")
    }
    return lines.joined(separator: "\n")
  }

  /// The call that reads a table.
  static func read(_ name: String, _ table: NotebookTable) -> String {
    let texts = table.texts
    guard !texts.isEmpty else { return "read(\(quoted(name)))" }
    return "read(\(quoted(name)), texts=[\(texts.map(quoted).joined(separator: ", "))])"
  }

  /// A choice of rows and a plot of them, of a table that has a name and a figure a row.
  static func goingOn(_ name: String, _ table: NotebookTable, label: String, figure: String)
    -> (filter: String, plot: String)
  {
    let heading = table.columns.first { $0.key == figure }?.title ?? figure
    // A point in a field's name would be taken for a path.
    let plain = figure.replacing(".", with: "_")
    let plainLabel = label.replacing(".", with: "_")
    let filter = """
      frame = \(read(name, table)).rename(columns=lambda key: key.replace(".", "_"))
      numbers = pd.to_numeric(frame[\(quoted(plain))], errors="coerce")
      chosen = frame[numbers >= numbers.median()].sort_values(\(quoted(plain)), ascending=False)
      chosen[[\(quoted(plainLabel)), \(quoted(plain))]]
      """
    let plot = """
      import altair as alt

      draw(alt.Chart(chosen).mark_point(filled=True, size=60).encode(
          x=alt.X(\(quoted(plain + ":Q")), title=\(quoted(heading))),
          y=alt.Y(\(quoted(plainLabel + ":N")), title=None, sort=None),
      ).properties(width=480, title="The upper half").to_dict())
      """
    return (filter, plot)
  }

  /// A name of Python for a block's.
  private static func variable(_ name: String) -> String {
    let letters = name.map { character -> Character in
      character.isASCII && (character.isLetter || character.isNumber) ? character : "_"
    }
    let text = String(letters)
    return text.first.map { $0.isNumber } ?? true ? "table_" + text : text
  }

  /// A text as Python writes it.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
