// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Serving
import Units

extension ScenarioReader {
  /// What fails, with the place of each entry.
  func failures(_ top: MappingReader) -> (FailureSettings, [SourceLocation]) {
    var entries: [FailureSettings.Entry] = []
    var locations: [SourceLocation] = []
    for node in top.sequence("failures") {
      let reader = MappingReader(node, into: collector)
      let entry = failure(reader)
      reader.finish()
      if let entry {
        entries.append(entry)
        locations.append(node.location)
      }
    }
    return (FailureSettings(entries), locations)
  }

  private func failure(_ reader: MappingReader) -> FailureSettings.Entry? {
    let keys = ["at", "for", "mtbf", "mttr"].filter { reader.has($0) }
    let factor = reader.quantity("factor", .fraction, in: 0...0.999) ?? 0
    let subject = subject(reader)
    guard reader.node.mapping != nil else { return nil }
    switch (keys.contains("at"), keys.contains("mtbf")) {
    case (true, false):
      if keys.contains("mttr") { reader.report("mttr", "stands beside 'at'; expected 'for'") }
      let at = reader.requiredQuantity("at", .seconds, in: 0...1e9)
      let length = reader.quantity("for", .seconds, in: 1e-9...1e9)
      guard let subject else { return nil }
      if case .every(let kind) = subject {
        reader.report(
          "what", "'\(kind.word)' names no part; expected, for example, '\(kind.word) 0'")
        return nil
      }
      return FailureSettings.Entry(
        subject, .once(atSeconds: at, forSeconds: length), factor: factor)
    case (false, true):
      if keys.contains("for") { reader.report("for", "stands beside 'mtbf'; expected 'mttr'") }
      let between = reader.requiredQuantity("mtbf", .seconds, in: 1e-3...1e12)
      let repair = reader.requiredQuantity("mttr", .seconds, in: 1e-3...1e12)
      guard let subject else { return nil }
      return FailureSettings.Entry(
        subject, .random(meanBetweenSeconds: between, meanRepairSeconds: repair), factor: factor)
    case (true, true):
      reader.report("mtbf", "stands beside 'at'; a failure happens once or again and again")
    case (false, false):
      reader.report("at", "is missing; it, or mtbf, says when it fails")
    }
    return nil
  }

  /// `replica 3`, `link host2.nic0`, or a kind alone.
  private func subject(_ reader: MappingReader) -> FailureSettings.Subject? {
    let kinds = FailingKind.allCases.map(\.word)
    let text = reader.requiredString("what")
    let words = text.split(separator: " ").map(String.init)
    let wanted =
      "expected a kind (\(kinds.joined(separator: ", "))) and a number, such as 'replica 3', or"
      + " 'link NAME'"
    guard let first = words.first else { return nil }
    guard let kind = FailingKind(word: first) else {
      let guess = closestMatch(to: first, among: kinds).map { "; did you mean '\($0)'?" } ?? ""
      reader.report("what", "'\(text)' names nothing that could fail; \(wanted)\(guess)")
      return nil
    }
    switch (words.count, kind) {
    case (1, _): return .every(kind)
    case (2, .link): return .link(words[1])
    case (2, _):
      if let number = Int(words[1]), number >= 0, number <= 1 << 24 { return .part(kind, number) }
      fallthrough
    default:
      reader.report("what", "'\(text)' is no part; \(wanted)")
      return nil
    }
  }
}

extension FailureSettings.Subject {
  /// The kind of what fails.
  var kind: FailingKind {
    switch self {
    case .part(let kind, _), .every(let kind): kind
    case .link: .link
    }
  }
}
