// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

extension ReferenceReader {
  /// Reads how a simulated value is formed; docs/reference-cases.md lists the forms.
  func readValue(_ node: ConfigurationNode) -> ReferenceValue? {
    let reader = MappingReader(node, into: collector)
    guard node.mapping != nil else { return nil }
    let factor = reader.double("times")
    let value = readForm(reader)
    reader.finish()
    guard let value else { return nil }
    return factor.map { .scaled(value, by: $0) } ?? value
  }

  private func readForm(_ reader: MappingReader) -> ReferenceValue? {
    // Every form's key is asked for, so that a misspelt one is told with the one that was meant.
    let forms = ["run", "formula", "ratio", "reduction", "gain", "difference", "mean", "sum"]
    let present = forms.filter { reader.has($0) }
    let isFormula = present.contains("formula")
    guard let form = isFormula ? "formula" : present.first else {
      collector.report(
        reader.node, "forms no value; expected one of \(forms.joined(separator: ", "))")
      return nil
    }
    if let other = present.first(where: { $0 != form && !(isFormula && $0 == "run") }) {
      reader.report(other, "stands beside '\(form)'; a value is formed in one way")
      return nil
    }
    switch form {
    case "run": return readRunForm(reader)
    case "formula": return readFormula(reader)
    case "mean", "sum":
      let nodes = reader.sequence(form)
      let parts = nodes.compactMap { readValue(orFail: $0) }
      if nodes.isEmpty { reader.report(form, "expected a list of values") }
      guard parts.count == nodes.count, !parts.isEmpty else { return nil }
      return form == "mean" ? .mean(parts) : .sum(parts)
    default:
      let nodes = reader.sequence(form)
      let parts = nodes.compactMap { readValue(orFail: $0) }
      guard nodes.count == 2 else {
        reader.report(form, "expected a list of two values; found \(nodes.count)")
        return nil
      }
      return parts.count == 2 ? Self.pair(form, parts[0], parts[1]) : nil
    }
  }

  private func readValue(orFail node: ConfigurationNode) -> ReferenceValue? {
    guard node.mapping != nil else {
      collector.report(node, "expected a value, such as {run: NAME, metric: KEY}")
      return nil
    }
    return readValue(node)
  }

  private static func pair(
    _ form: String, _ first: ReferenceValue, _ second: ReferenceValue
  ) -> ReferenceValue {
    switch form {
    case "reduction": .reduction(first, second)
    case "gain": .gain(first, second)
    case "difference": .difference(first, second)
    default: .ratio(first, second)
    }
  }

  /// `{run, metric}`, perhaps over or against another run, or `{run, share, of}`.
  private func readRunForm(_ reader: MappingReader) -> ReferenceValue? {
    let run = reader.child("run").flatMap { readRunName($0) }
    if reader.has("share") || reader.has("of") {
      let part = reader.sequence("share").compactMap { readMetric($0) }
      let whole = reader.sequence("of").compactMap { readMetric($0) }
      if !reader.has("share") { reader.reportMissing("share") }
      if !reader.has("of") { reader.reportMissing("of") }
      guard let run, !part.isEmpty, !whole.isEmpty else { return nil }
      return .share(run: run, part: part, whole: whole)
    }
    let metric = reader.child("metric").flatMap { readMetric($0) }
    if !reader.has("metric") { reader.reportMissing("metric") }
    let over = reader.child("over").map { readRunName($0) }
    let against = reader.child("against").map { readRunName($0) }
    let form = reader.choice("as", among: ["reduction", "gain", "difference"])
    if over != nil, against != nil { reader.report("against", "stands beside 'over'") }
    if against != nil, !reader.has("as") { reader.reportMissing("as") }
    if against == nil, reader.has("as") {
      reader.report("as", "says how a run stands against another, and 'against' is missing")
    }
    guard let run, let metric else { return nil }
    let figure = ReferenceValue.figure(run: run, metric: metric)
    if let over { return over.map { .ratio(figure, .figure(run: $0, metric: metric)) } }
    if let against {
      guard let against, let form else { return nil }
      return Self.pair(form, figure, .figure(run: against, metric: metric))
    }
    return figure
  }

  private func readFormula(_ reader: MappingReader) -> ReferenceValue? {
    let names = ReferenceFormula.all.map(\.name)
    guard let name = reader.choice("formula", among: names),
      let formula = ReferenceFormula.all.first(where: { $0.name == name })
    else {
      reader.ignoreRest()
      return nil
    }
    var run: String?
    if formula.needsRun {
      if let node = reader.child("run") {
        run = readRunName(node)
      } else {
        reader.reportMissing("run")
      }
    } else if reader.has("run") {
      reader.report("run", "stands beside a formula that reads no scenario")
    }
    var numbers: [String: Double] = [:]
    for parameter in formula.parameters {
      if let number = reader.quantity(parameter.name, parameter.dimension) ?? parameter.standard {
        numbers[parameter.name] = number
      } else if !reader.has(parameter.name) {
        reader.reportMissing(parameter.name)
      }
    }
    guard numbers.count == formula.parameters.count, run != nil || !formula.needsRun else {
      return nil
    }
    return .formula(.init(formula: formula, run: run, numbers: numbers))
  }
}
