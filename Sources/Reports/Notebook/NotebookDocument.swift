// SPDX-License-Identifier: GPL-3.0-or-later

public import Records

/// A Jupyter notebook of format 4.5, before it is executed.
public struct NotebookDocument: Sendable, Equatable {
  /// A cell.
  public struct Cell: Sendable, Equatable {
    /// What a cell holds.
    public enum Kind: String, Sendable {
      /// Text to read.
      case markdown
      /// Python to execute.
      case code
    }

    /// The name of the cell, unique within the notebook.
    public var id: String
    /// What it holds.
    public var kind: Kind
    /// Its text.
    public var source: String

    /// The cell as nbformat has it; code has no outputs yet.
    var value: ReportValue {
      var value: ReportValue = [
        "cell_type": .text(kind.rawValue), "id": .text(id), "metadata": [:],
        "source": .texts(Self.lines(of: source)),
      ]
      if kind == .code {
        value.set("execution_count", to: .null)
        value.set("outputs", to: [])
      }
      return value
    }

    /// A text as a list of lines, each but the last with its line feed.
    static func lines(of text: String) -> [String] {
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      return lines.enumerated().map { index, line in
        index == lines.count - 1 ? line : line + "\n"
      }
    }
  }

  /// The cells in their order.
  public private(set) var cells: [Cell] = []

  init() {}

  /// Adds a cell; a name that is taken, or that nbformat does not allow, is changed.
  mutating func append(_ kind: Cell.Kind, id: String, _ source: String) {
    // nbformat allows 64 characters; room is left for a number.
    let allowed = id.map { character -> Character in
      character.isASCII && (character.isLetter || character.isNumber || character == "-")
        ? character : "-"
    }
    let name = allowed.isEmpty ? "cell" : String(allowed.prefix(56))
    var unique = name
    var number = 2
    while cells.contains(where: { $0.id == unique }) {
      unique = "\(name)-\(number)"
      number += 1
    }
    cells.append(Cell(id: unique, kind: kind, source: source))
  }

  /// The notebook as nbformat has it.
  public var value: ReportValue {
    [
      "cells": .list(cells.map(\.value)),
      "metadata": [
        "kernelspec": [
          "display_name": "Python 3", "language": "python", "name": "python3",
        ],
        "language_info": ["name": "python"],
      ],
      "nbformat": 4, "nbformat_minor": 5,
    ]
  }

  /// The bytes of the file.
  public var text: String { JSONText.text(of: value) + "\n" }
}
