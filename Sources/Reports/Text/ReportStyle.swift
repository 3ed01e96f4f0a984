// SPDX-License-Identifier: GPL-3.0-or-later

public import Foundation

/// What a terminal can show: its width, and whether colours and box characters may be used.
public struct ReportStyle: Sendable, Equatable {
  /// The columns that a line may take.
  public var width: Int
  /// Whether ANSI colours may be used.
  public var usesColor: Bool
  /// Whether characters beyond ASCII may be used for bars and rules.
  public var usesUnicode: Bool

  /// A style of that width (at least 40) and those abilities.
  public init(width: Int = 80, usesColor: Bool = false, usesUnicode: Bool = false) {
    self.width = max(40, width)
    self.usesColor = usesColor
    self.usesUnicode = usesUnicode
  }

  /// The style for what a file descriptor leads to.
  ///
  /// Colours only on a terminal, and neither when `NO_COLOR` is non-empty (no-color.org) nor when
  /// `TERM` is `dumb`. The width is `COLUMNS` where that is a number, else the terminal's, else
  /// `pipeWidth`. Unicode where the locale (`LC_ALL`, `LC_CTYPE`, `LANG`, the first that is set) says
  /// UTF-8.
  public static func detected(
    descriptor: Int32 = STDOUT_FILENO, pipeWidth: Int = 80,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> ReportStyle {
    let isTerminal = isatty(descriptor) == 1
    return resolved(
      isTerminal: isTerminal, terminalWidth: isTerminal ? terminalWidth(of: descriptor) ?? 80 : nil,
      environment: environment, pipeWidth: pipeWidth)
  }

  static func resolved(
    isTerminal: Bool, terminalWidth: Int?, environment: [String: String], pipeWidth: Int = 80
  ) -> ReportStyle {
    let isDumb = environment["TERM"] == "dumb"
    let refusesColor = !(environment["NO_COLOR"] ?? "").isEmpty
    let columns = environment["COLUMNS"].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
    let locale =
      ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }
      .first { !$0.isEmpty } ?? ""
    let encoding = locale.lowercased().filter { $0 != "-" }
    return ReportStyle(
      width: columns ?? terminalWidth ?? pipeWidth,
      usesColor: isTerminal && !isDumb && !refusesColor,
      usesUnicode: !isDumb && encoding.hasSuffix("utf8"))
  }

  private static func terminalWidth(of descriptor: Int32) -> Int? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// How a piece of text is set off from the rest.
  package enum Emphasis: String {
    case heading = "1"
    case faint = "2"
    case warning = "1;31"
    case stall = "33"
    case work = "36"
  }

  /// The text in this emphasis, or as it is where there are no colours.
  package func emphasize(_ text: String, _ emphasis: Emphasis) -> String {
    usesColor && !text.isEmpty ? "\u{1B}[\(emphasis.rawValue)m\(text)\u{1B}[0m" : text
  }

  /// A bar of `share` of `width` columns, padded with spaces to the width.
  func bar(_ share: Double, width: Int) -> String {
    let share = share.isFinite ? min(max(share, 0), 1) : 0
    if usesUnicode {
      let eighths = Int((share * Double(width) * 8).rounded())
      let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
      let bar = String(repeating: "█", count: eighths / 8) + parts[eighths % 8]
      return bar.padded(to: width)
    }
    let columns = Int((share * Double(width)).rounded())
    return String(repeating: "#", count: columns).padded(to: width)
  }
}

extension String {
  /// The text with spaces after it, up to this many characters.
  func padded(to width: Int) -> String {
    let missing = width - count
    return missing > 0 ? self + String(repeating: " ", count: missing) : self
  }

  /// The text with spaces before it, up to this many characters.
  func paddedLeading(to width: Int) -> String {
    let missing = width - count
    return missing > 0 ? String(repeating: " ", count: missing) + self : self
  }

  /// The text cut to this many characters, the last of which says that something is missing.
  func truncated(to width: Int, mark: String = "~") -> String {
    count <= width ? self : String(prefix(Swift.max(0, width - mark.count))) + mark
  }

  /// The text in lines of at most this many characters, broken between words where that's possible.
  package func wrapped(to width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in split(whereSeparator: \.isWhitespace).map(String.init) {
      var word = word
      if !line.isEmpty, line.count + 1 + word.count > width {
        lines.append(line)
        line = ""
      }
      while word.count > width {
        lines.append(String(word.prefix(width)))
        word = String(word.dropFirst(width))
      }
      line += line.isEmpty ? word : " " + word
    }
    if !line.isEmpty || lines.isEmpty { lines.append(line) }
    return lines
  }
}
