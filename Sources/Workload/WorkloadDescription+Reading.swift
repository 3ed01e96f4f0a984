// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

extension WorkloadDescription {
  /// The names of the arrival processes, as configuration files write them.
  public static let processNames = ["poisson", "gamma", "constant", "all-at-once", "closed-loop"]
  /// The names of the length distributions, as configuration files write them.
  public static let distributionNames = ["constant", "uniform", "lognormal", "gamma", "empirical"]

  /// Reads the `workload` of a scenario. What is wrong goes to the collector; the description is
  /// then not to be used.
  ///
  /// The path of a trace is taken as it is written.
  public init(reading node: ConfigurationNode, into collector: DiagnosticCollector) {
    self.init()
    let reader = MappingReader(node, into: collector)
    trace = reader.string("trace")
    format = reader.choice("format", among: RequestTraceFormat.allCases.map(\.rawValue))
      .flatMap(RequestTraceFormat.init)
    arrivals = reader.mapping("arrivals").flatMap(Self.readArrivals)
    lengths = reader.mapping("lengths").flatMap(Self.readLengths)
    rateScale = reader.double("rate_scale", in: 1e-9...1e9) ?? 1
    requests = reader.int("requests", in: 1...1_000_000_000_000)
    priorities = Self.readPriorities(reader)
    skip = reader.int("skip", in: 0...1_000_000_000) ?? 0
    if trace == nil {
      if !reader.has("arrivals") && !reader.has("lengths") {
        reader.report(
          "trace", "is missing; a workload needs a trace, or both arrivals and lengths")
      } else if !reader.has("lengths") {
        reader.report("lengths", "is missing; arrivals without a trace need lengths too")
      } else if !reader.has("arrivals") {
        reader.report("arrivals", "is missing; lengths without a trace need arrivals too")
      }
      if skip > 0 { reader.report("skip", "leaves out requests of a trace, but there is no trace") }
      if reader.has("format") {
        reader.report("format", "is the format of a trace, but there is no trace")
      }
    } else if reader.has("arrivals"), reader.has("lengths") {
      reader.report(
        "trace", "has no use beside both arrivals and lengths; leave out one of the three")
    }
    reader.finish()
  }

  private static func readArrivals(_ reader: MappingReader) -> ArrivalProcess? {
    defer { reader.finish() }
    let process = reader.requiredChoice("process", among: processNames)
    switch process {
    case "closed-loop":
      let users = reader.requiredInt("users", in: 1...1_000_000)
      let mean = reader.quantity("think", .seconds, in: 0...1e9) ?? 0
      let form = reader.choice("think_distribution", among: ["exponential", "constant"])
      return .closedLoop(
        users: users, think: form == "constant" ? .constant(mean) : .exponential(mean: mean))
    case "all-at-once":
      return .allAtOnce
    default:
      let rate = reader.requiredQuantity("rate", .perSecond, in: 1e-9...1e9)
      if process == "gamma" {
        return .gamma(rate: rate, burstiness: reader.requiredDouble("burstiness", in: 1e-4...1e6))
      }
      return process == "poisson" ? .poisson(rate: rate) : .constant(rate: rate)
    }
  }

  private static func readPriorities(_ reader: MappingReader) -> [PriorityShare] {
    guard reader.has("priorities") else { return [] }
    var shares: [PriorityShare] = []
    for element in reader.sequence("priorities") {
      let entry = MappingReader(element, into: reader.collector)
      let priority = entry.requiredInt("priority", in: RequestLimits.priorities)
      let share = entry.requiredQuantity("share", .fraction, in: 0...1)
      entry.finish()
      if shares.contains(where: { $0.priority == Int32(priority) }) {
        reader.report("priorities", "names priority \(priority) twice; expected each once")
      }
      shares.append(PriorityShare(priority: Int32(priority), share: share))
    }
    let total = shares.reduce(0) { $0 + $1.share }
    if total > 1 + 1e-9 {
      reader.report("priorities", "shares sum to \(total); expected at most 1 (the rest has 0)")
    }
    return shares
  }

  private static func readLengths(_ reader: MappingReader) -> RequestLengths? {
    defer { reader.finish() }
    let prompt = reader.requiredChild("prompt")
    let output = reader.requiredChild("output")
    guard !prompt.isNull, !output.isNull,
      let promptLengths = LengthDistribution(reading: prompt, into: reader.collector),
      let outputLengths = LengthDistribution(reading: output, into: reader.collector)
    else { return nil }
    return RequestLengths(prompt: promptLengths, output: outputLengths)
  }
}

extension LengthDistribution {
  private static let tokens = 1...Int(RequestLimits.maximumTokens)
  private static let meanTokens = 1.0...Double(RequestLimits.maximumTokens)

  /// Reads a distribution: a number of tokens, or a mapping with `distribution` and its parameters.
  public init?(reading node: ConfigurationNode, into collector: DiagnosticCollector) {
    if node.scalar != nil {
      guard let length = node.read(into: collector, { $0.integer(in: Self.tokens) }) else {
        return nil
      }
      self.init(.constant(Double(length)))
      return
    }
    let reader = MappingReader(node, into: collector)
    let name = reader.requiredChoice("distribution", among: WorkloadDescription.distributionNames)
    guard let shape = Self.shape(name, reader) else {
      reader.ignoreRest()
      return nil
    }
    if name == "uniform" || name == "constant" {
      self.init(shape)
    } else {
      let minimum = reader.int("min", in: Self.tokens) ?? 1
      let maximum = reader.int("max", in: Self.tokens) ?? Int(RequestLimits.maximumTokens)
      if minimum > maximum { reader.report("max", "\(maximum) is below min, \(minimum)") }
      self.init(shape, minimum: min(minimum, maximum), maximum: maximum)
    }
    reader.finish()
  }

  private static func shape(_ name: String, _ reader: MappingReader) -> Shape? {
    switch name {
    case "constant":
      return .constant(Double(reader.requiredInt("value", in: tokens)))
    case "uniform":
      let low = reader.requiredInt("min", in: tokens)
      let high = reader.requiredInt("max", in: tokens)
      guard low <= high else {
        reader.report("max", "\(high) is below min, \(low)")
        return nil
      }
      return .uniform(minimum: low, maximum: high)
    case "gamma":
      let mean = reader.requiredDouble("mean", in: meanTokens)
      return .gamma(mean: mean, variation: reader.requiredDouble("cv", in: 0...100))
    case "lognormal":
      return lognormalShape(reader)
    default:
      return empiricalShape(reader)
    }
  }

  private static func lognormalShape(_ reader: MappingReader) -> Shape? {
    let mean = reader.requiredDouble("mean", in: meanTokens)
    let median = reader.double("p50", in: meanTokens)
    let variation = reader.double("cv", in: 0...100)
    switch (median, variation) {
    case (let median?, nil):
      guard median <= mean else {
        reader.report("p50", "\(median) is above the mean, \(mean); a lognormal median never is")
        return nil
      }
      return lognormal(mean: mean, median: median).shape
    case (nil, let variation?):
      return lognormal(mean: mean, variation: variation).shape
    default:
      reader.report("p50", "one of p50 and cv is needed beside the mean, and only one")
      return nil
    }
  }

  private static func empiricalShape(_ reader: MappingReader) -> Shape? {
    if reader.has("values") || reader.has("weights") {
      let values = numbers(reader, "values")
      let weights =
        reader.has("weights")
        ? numbers(reader, "weights") : [Double](repeating: 1, count: values.count)
      guard let lengths = EmpiricalLengths(values: values, weights: weights) else {
        reader.report(
          "values",
          "is no distribution; as many weights as values, none negative, some positive, and values "
            + "of at least 1 token are expected")
        return nil
      }
      return .empirical(lengths)
    }
    let pairs = reader.sequence("quantiles").map { pair in
      (pair.sequence ?? []).compactMap { element in
        element.read(into: reader.collector) { $0.quantity(.fraction) }
      }
    }
    guard pairs.allSatisfy({ $0.count == 2 }),
      let lengths = EmpiricalLengths(
        quantiles: pairs.map { (probability: $0[0], value: $0[1]) })
    else {
      reader.report(
        "quantiles",
        "is no distribution; pairs [share, tokens] are expected, with shares rising from 0 to 1 and "
          + "tokens that never fall, or values and weights")
      return nil
    }
    return .empirical(lengths)
  }

  private static func numbers(_ reader: MappingReader, _ key: String) -> [Double] {
    reader.sequence(key).compactMap { element in
      element.read(into: reader.collector) { $0.quantity(.count) }
    }
  }
}
