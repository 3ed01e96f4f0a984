// SPDX-License-Identifier: GPL-3.0-or-later

public import Records

/// Where something is from: words, and an address where there is one.
public struct PageLink: Sendable, Equatable {
  /// The source in words.
  public var text: String
  /// Its address.
  public var url: String?

  /// A source, whose address is read from its words where they name a paper of arXiv, a repository
  /// of GitHub or an address itself.
  public init(_ text: String) {
    self.text = text
    url = Self.address(in: text)
  }

  /// The source as a cell of a table or an entry of a chart.
  public var value: ReportValue { ["text": .text(text), "url": .optional(url)] }

  /// The first address that a text names.
  static func address(in text: String) -> String? {
    for word in text.split(whereSeparator: { $0.isWhitespace || "();,\"<>".contains($0) }) {
      let trimmed = word.trimmingSuffix(of: ".:")
      if trimmed.hasPrefix("https://") || trimmed.hasPrefix("http://") { return trimmed }
      if trimmed.hasPrefix("github.com/") { return "https://" + trimmed }
    }
    return paper(in: text)
  }

  /// The address of a paper that is named as "arXiv 2404.05567" or "arXiv:2404.05567".
  private static func paper(in text: String) -> String? {
    guard let place = text.range(of: "arXiv") else { return nil }
    let rest = text[place.upperBound...].drop { $0 == " " || $0 == ":" }
    let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let parts = number.split(separator: ".")
    guard parts.count >= 2, parts[0].count == 4, (4...5).contains(parts[1].count) else {
      return nil
    }
    return "https://arxiv.org/abs/\(parts[0]).\(parts[1])"
  }
}

extension Substring {
  fileprivate func trimmingSuffix(of characters: String) -> String {
    var text = self
    while let last = text.last, characters.contains(last) { text.removeLast() }
    return String(text)
  }
}
