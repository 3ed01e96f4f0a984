// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware
import KernelTiming
import Records
import Reports

/// The figures of a profile with their sources.
struct ProfileListing {
  /// What the profile calls itself.
  var name: String
  /// What it is, in a line.
  var summary: String
  /// Its figures.
  var entries: [ProfileEntry]
  /// Fitted laws of its devices.
  var timings: [FittedTiming] = []

  /// The fitted laws of a device.
  struct FittedTiming {
    /// Where they stand, "gpus[0].timing".
    var path: String
    /// The laws.
    var laws: TimingLaws
  }

  /// The listing in a format.
  func text(_ format: ListingFormat, style: ReportStyle) -> String {
    if format == .table { return sections(style) }
    var listing = Listing([
      ("path", "figure", false, 0), ("part", "part", false, 3), ("value", "value", false, 0),
      ("nominal", "nominal", true, 5), ("achievable", "achievable", true, 5),
      ("dimension", "dimension", false, 5), ("assumption", "assumption", false, 4),
      ("source", "source", false, 2),
    ])
    for entry in entries {
      let figure = entry.figure
      listing.append([
        .text(entry.path), .text(entry.part), .text(figure.text), .number(figure.nominal),
        figure.achievable.map { .number($0) } ?? .null, .text(figure.dimension.rawValue),
        .bool(figure.isAssumption || figure.achievableIsAssumption), .text(entry.sourceText),
      ])
    }
    guard format == .json else { return listing.text(format, style: style) }
    let whole = ReportValue.object([
      ReportValue.Member("name", .text(name)), ReportValue.Member("summary", .text(summary)),
      ReportValue.Member("figures", listing.value),
      ReportValue.Member("timings", .list(timings.map(\.value))),
    ])
    return JSONText.text(of: whole) + "\n"
  }

  /// A figure a line, its source below.
  private func sections(_ style: ReportStyle) -> String {
    var lines = [summary.isEmpty ? name : "\(name): \(summary)"]
    let width = entries.map(\.path.count).max() ?? 0
    for entry in entries {
      let path = entry.path + String(repeating: " ", count: width - entry.path.count)
      lines.append("  \(path)  \(entry.figure.text)")
      for line in Text.wrapped(entry.sourceText, to: max(30, style.width - 6)) {
        lines.append("      " + line)
      }
    }
    for timing in timings {
      lines.append("  \(timing.path)")
      lines += Text.wrapped(timing.laws.source, to: max(30, style.width - 6)).map { "      " + $0 }
      let names = timing.laws.fitted.map(\.name)
      let longest = names.map(\.count).max() ?? 0
      for law in timing.laws.fitted {
        guard let residuals = law.residuals else { continue }
        let name = law.name + String(repeating: " ", count: longest - law.name.count)
        if timing.laws.isTransferred {
          lines.append("      \(law.name)")
          continue
        }
        lines.append(
          "      \(name)  off by \(residuals.inWords) on \(residuals.points) points of unseen shapes"
        )
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension ProfileListing.FittedTiming {
  fileprivate var value: ReportValue {
    let laws = self.laws.fitted.compactMap { law in
      law.residuals.map { residuals in
        ReportValue.object([
          ReportValue.Member("law", .text(law.name)),
          ReportValue.Member(
            "median_error", self.laws.isTransferred ? .null : .number(residuals.median)),
          ReportValue.Member("p90_error", self.laws.isTransferred ? .null : .number(residuals.p90)),
          ReportValue.Member("points", .number(Double(residuals.points))),
        ])
      }
    }
    return .object([
      ReportValue.Member("path", .text(path)),
      ReportValue.Member("source", .text(self.laws.source)),
      ReportValue.Member("laws", .list(laws)),
    ])
  }
}

/// Text for terminals.
enum Text {
  /// The text in lines of at most so many characters, broken between words where that is possible.
  static func wrapped(_ text: String, to width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(whereSeparator: \.isWhitespace) {
      if !line.isEmpty, line.count + 1 + word.count > width {
        lines.append(line)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    if !line.isEmpty { lines.append(line) }
    return lines
  }
}
