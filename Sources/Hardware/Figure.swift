// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Units

/// One number of a profile with its source.
///
/// In a file: `{nominal: 1008 GB/s, achievable: 0.8, source: "…", achievable_source: "…"}` for a
/// rate, `{value: 450 W, source: "…"}` for what has no achievable part. `achievable` is a share of
/// the nominal rate or a rate. A bare "48 GiB" is a number whose source is the place where it stands.
public struct Figure: Hashable, Sendable {
  /// What the data sheet says, in base units of `dimension`.
  public var nominal: Double
  /// What software reaches, in base units of `dimension`; `nil` when nobody says.
  public var achievable: Double?
  /// What the number measures.
  public var dimension: Dimension
  /// Where the nominal number is from: a data sheet, a repository, a paper, or the reasoning of an
  /// assumption.
  public var source: String
  /// Where the achievable number is from.
  public var achievableSource: String
  /// Whether the nominal number is an estimate of ours.
  public var isAssumption: Bool
  /// Whether the achievable number is an estimate of ours.
  public var achievableIsAssumption: Bool
  /// Whether the file gives a source; a bare number has none but its place.
  public var hasSource: Bool
  /// Where the number stands.
  public var origin: SourceLocation

  /// Creates a figure.
  public init(
    nominal: Double, achievable: Double? = nil, dimension: Dimension, source: String,
    achievableSource: String = "", isAssumption: Bool = false,
    achievableIsAssumption: Bool = false, hasSource: Bool = true,
    origin: SourceLocation = SourceLocation(origin: "code")
  ) {
    self.nominal = nominal
    self.achievable = achievable
    self.dimension = dimension
    self.source = source
    self.achievableSource = achievableSource
    self.isAssumption = isAssumption
    self.achievableIsAssumption = achievableIsAssumption
    self.hasSource = hasSource
    self.origin = origin
  }

  /// The source of a figure that could not be read, which has been reported.
  static let standIn = "missing"
  /// Whether the figure was read.
  var isRead: Bool { source != Self.standIn }

  /// What a simulation reckons with: the achievable number where there is one, else the nominal.
  public var effective: Double { achievable ?? nominal }

  /// The achievable part of the nominal number; 1 when nobody says.
  public var achievableShare: Double { nominal > 0 ? effective / nominal : 1 }

  /// The same figure `count` times: two sockets have twice the bandwidth.
  public func times(_ count: Int) -> Figure {
    var result = self
    result.nominal *= Double(count)
    result.achievable = achievable.map { $0 * Double(count) }
    return result
  }

  /// "1008 GB/s (achievable 806.4 GB/s, 80%)".
  public var text: String {
    let format = QuantityFormat()
    let nominal = format.string(nominal, dimension)
    guard let achievable else { return nominal }
    return "\(nominal) (achievable \(format.string(achievable, dimension)), "
      + "\(QuantityFormat(significantDigits: 3).string(achievableShare, .fraction)))"
  }
}

/// Which numbers are plausible; others are refused with their place.
///
/// Wide enough for any machine of the next decade, narrow enough to catch a wrong unit.
enum Plausible {
  static let capacity = 1_048_576.0...1.0e15  // bytes
  static let bandwidth = 1.0e6...1.0e15  // B/s
  static let clock = 1.0e7...1.0e11  // Hz
  static let cache = 1_024.0...1.0e12  // bytes
  static let peak = 1.0e8...1.0e18  // FLOP/s
  static let power = 0.0...200_000.0  // W
  static let price = 0.0...1.0e8  // USD
  static let rent = 0.0...1.0e5  // USD/h
  static let latency = 0.0...1.0  // s
  static let requestRate = 1.0...1.0e9  // 1/s
  static let pricePerByte = 0.0...1.0e-3  // USD/B
  static let energyPerByte = 0.0...1.0e-6  // J/B
  static let share = 1.0e-3...1.0  // of a rate
  static let units = 1.0...1.0e5  // cores, multiprocessors, requests in parallel
}

extension MappingReader {
  /// How a figure names its number.
  enum FigureKind {
    /// `nominal`, and `achievable` when known.
    case rate
    /// `value`.
    case value
  }

  /// The figure at `key`, if it is there and right.
  func figure(
    _ key: String, _ dimension: Dimension, in range: ClosedRange<Double>,
    _ kind: FigureKind = .value
  ) -> Figure? {
    guard let node = child(key) else { return nil }
    if node.scalar != nil {
      guard let value = node.read(into: collector, { $0.quantity(dimension, in: range) }) else {
        return nil
      }
      return Figure(
        nominal: value, dimension: dimension, source: "given in \(node.location.file)",
        hasSource: false, origin: node.location)
    }
    let reader = MappingReader(node, into: collector)
    let before = collector.all.count
    let name = kind == .rate ? "nominal" : "value"
    let nominal = reader.requiredQuantity(name, dimension, in: range)
    var figure = Figure(
      nominal: nominal, dimension: dimension, source: "", hasSource: false, origin: node.location)
    if let source = reader.string("source") {
      figure.source = source
      figure.hasSource = !source.allSatisfy(\.isWhitespace)
    } else {
      figure.source = "given in \(node.location.file)"
    }
    figure.isAssumption = reader.bool("assumption") ?? false
    if kind == .rate {
      figure.achievable = reader.achievable(of: nominal, dimension)
      figure.achievableSource = reader.string("achievable_source") ?? ""
      figure.achievableIsAssumption = reader.bool("achievable_assumption") ?? false
    }
    reader.finish()
    return collector.all.count == before ? figure : nil
  }

  /// The figure at `key`; reports when it is missing.
  func requiredFigure(
    _ key: String, _ dimension: Dimension, in range: ClosedRange<Double>,
    _ kind: FigureKind = .value
  ) -> Figure {
    let found = figure(key, dimension, in: range, kind)
    if found == nil, !has(key) { reportMissing(key) }
    return found
      ?? Figure(
        nominal: range.lowerBound, dimension: dimension, source: Figure.standIn,
        hasSource: false, origin: node.location)
  }

  /// A share of `nominal` or a rate; a little more than nominal is allowed, since drives exceed what
  /// they are rated at.
  private func achievable(of nominal: Double, _ dimension: Dimension) -> Double? {
    guard let node = child("achievable"), let text = node.scalar else {
      if child("achievable") != nil { report("achievable", "expected a share or a rate") }
      return nil
    }
    if let share = try? Quantity(parsing: text, as: .fraction) {
      guard (0.001...1.05).contains(share.value) else {
        report("achievable", "'\(text)' is out of range; expected a share between 0.1% and 105%")
        return nil
      }
      return share.value * nominal
    }
    let range = (nominal * 0.001)...(nominal * 1.05)
    return node.read(into: collector) { $0.quantity(dimension, in: range) }
  }
}
