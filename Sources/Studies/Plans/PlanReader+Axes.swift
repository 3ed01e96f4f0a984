// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

extension PlanReader {
  /// The choices for each part of a candidate.
  func axes(_ top: MappingReader, limits: PlanLimits) -> PlanAxes {
    let models = choices(top, "models")
    if models.isEmpty, !top.has("models") { top.reportMissing("models") }
    let written = top.requiredChild("candidates")
    let reader = MappingReader(
      written.isNull
        ? ConfigurationNode(.mapping([]), location: node.location, path: "candidates") : written,
      into: collector)
    let machines = self.machines(reader, limits: limits)
    let axes = PlanAxes(
      models: models, machines: machines, replicas: replicas(reader),
      parallelism: choices(reader, "parallelism").orBase("as base"),
      policies: choices(reader, "policy").orBase("as base"),
      precisions: choices(reader, "precision").orBase("native"),
      caches: choices(reader, "cache").orBase("as base"),
      runtimes: choices(reader, "runtime").orBase("as base"))
    reader.finish()
    if axes.count > PlanFile.mostCandidates {
      collector.report(
        Diagnostic(
          location: written.location, path: "candidates",
          message: "the choices make \(axes.count) candidates; expected at most"
            + " \(PlanFile.mostCandidates): leave out some"))
    }
    return axes
  }

  /// The elements of a list, or what stands alone in its place.
  private func choices(_ reader: MappingReader, _ key: String) -> [PlanChoice] {
    guard let value = reader.child(key) else { return [] }
    let elements = value.sequence ?? [value]
    if elements.isEmpty {
      collector.report(value, "is an empty list; expected at least one choice")
    }
    var seen: [String] = []
    return elements.map { element in
      if element.isNull || element.sequence != nil {
        collector.report(element, "expected a name or a mapping; found \(element.kindInWords)")
      }
      let choice = PlanChoice(reading: element, axis: key)
      if seen.contains(choice.label) {
        collector.report(element, "'\(choice.label)' stands twice; expected each choice once")
      }
      seen.append(choice.label)
      return choice
    }
  }

  private func machines(_ reader: MappingReader, limits: PlanLimits) -> [PlanMachine] {
    guard let value = reader.child("hardware") else {
      reader.reportMissing("hardware")
      return []
    }
    let elements = value.sequence ?? [value]
    if elements.isEmpty {
      collector.report(value, "is an empty list; expected at least one machine")
    }
    return elements.map { element in
      guard element["machine"] != nil || element["vendor"] != nil || element["rack_units"] != nil
      else {
        check(limits, vendor: nil, units: nil, at: element)
        return PlanMachine(choice: PlanChoice(reading: element, axis: "hardware"))
      }
      let own = MappingReader(element, into: collector)
      defer { own.finish() }
      let machine = own.requiredChild("machine")
      let vendor = own.string("vendor")
      let units = own.int("rack_units", in: 0...10_000)
      check(limits, vendor: vendor, units: units, at: element)
      return PlanMachine(
        choice: PlanChoice(reading: machine, axis: "hardware"), vendor: vendor, rackUnits: units)
    }
  }

  /// Reports what a limit needs to know of a machine, which profiles do not say.
  private func check(
    _ limits: PlanLimits, vendor: String?, units: Int?, at element: ConfigurationNode
  ) {
    for (limit, isMissing, example) in [
      ("vendors", limits.vendors != nil && vendor == nil, "vendor: NVIDIA"),
      ("rack_units", limits.rackUnits != nil && units == nil, "rack_units: 8"),
    ] where isMissing {
      collector.report(
        element,
        "limits.\(limit) needs to know this of the machine; expected"
          + " {machine: NAME, \(example)}; found \(element.kindInWords)")
    }
  }

  /// A number, a list of numbers, or a range `{from: 1, to: 8, factor: 2}`.
  private func replicas(_ reader: MappingReader) -> [Int] {
    guard let value = reader.child("replicas") else { return [1] }
    let range = 1...65_536
    if value.mapping != nil {
      let own = MappingReader(value, into: collector)
      defer { own.finish() }
      let first = own.requiredInt("from", in: range)
      let last = own.requiredInt("to", in: range)
      let factor = own.int("factor", in: 2...16)
      let step = own.int("step", in: range) ?? 1
      if factor != nil, own.has("step") {
        own.report("step", "says how replicas grow, and so does factor; leave out one of the two")
      }
      guard first <= last else {
        own.report("to", "\(last) is below from, \(first); expected at least as many")
        return [first]
      }
      var counts: [Int] = []
      var count = first
      while count <= last {
        counts.append(count)
        count = factor.map { count * $0 } ?? count + step
      }
      return counts
    }
    let elements = value.sequence ?? [value]
    if elements.isEmpty { collector.report(value, "is an empty list; expected numbers") }
    let counts = elements.compactMap { element in
      element.read(into: collector) { $0.integer(in: range) }
    }
    return counts.isEmpty ? [1] : counts
  }
}

extension [PlanChoice] {
  /// What the base says, where there is no choice.
  fileprivate func orBase(_ label: String) -> [PlanChoice] {
    isEmpty ? [PlanChoice(label: label, node: nil)] : self
  }
}

extension PlanChoice {
  /// A choice as it is written for a part of a candidate.
  init(reading node: ConfigurationNode, axis: String) {
    // What is given whole has a name of its own.
    let isNamed = ["models", "hardware"].contains(axis) && node["name"]?.scalar != nil
    label = isNamed ? node["name"]?.scalar ?? "" : Self.words(node)
    self.node = node
    if axis == "cache" { self.node = Self.cacheMapping(node) }
    if axis == "precision", node.scalar == "native" { self.node = nil }
  }

  /// A cache as a mapping, so that it is laid over the base's and does not replace it.
  static func cacheMapping(_ node: ConfigurationNode) -> ConfigurationNode {
    guard node.scalar != nil else { return node }
    return ConfigurationNode(
      .mapping([.init(key: "experts", keyLocation: node.location, value: node)]),
      location: node.location, path: node.path)
  }

  /// A value on one line: "tensor 8, expert 8", "fiddler (chunks 2)".
  private static func words(_ node: ConfigurationNode) -> String {
    switch node.content {
    case .null: return "nothing"
    case .scalar(let text, _): return text.split(separator: "/").last.map(String.init) ?? text
    case .sequence(let elements): return elements.map(words).joined(separator: " ")
    case .mapping(let entries):
      let heads = ["name", "preset", "base"]
      guard let head = heads.first(where: { node[$0]?.scalar != nil }), let name = node[head]
      else { return entries.map { "\($0.key) \(words($0.value))" }.joined(separator: ", ") }
      let rest = entries.filter { $0.key != head }
      guard !rest.isEmpty else { return words(name) }
      return words(name) + " ("
        + rest.map { "\($0.key) \(words($0.value))" }.joined(separator: ", ") + ")"
    }
  }
}
