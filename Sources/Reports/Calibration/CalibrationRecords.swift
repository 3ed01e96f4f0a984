// SPDX-License-Identifier: GPL-3.0-or-later

public import Calibration
import KernelTiming
import Records

/// A fit as a record: what a table, JSON or CSV shows of it.
public struct FitRecord: Encodable, Sendable {
  var kernel: String
  var variant: String
  var isChosen: Bool
  var points: Int
  var shapes: Int
  var folds: Int
  var median: Double
  var p90: Double
  var worst: Double
  var bias: Double
  var lawMedian: Double
  var lawP90: Double
  var fittedMedian: Double
  var fittedP90: Double
  var cachedPoints: Int
  var parameters: [String: Double]
  var biases: [BiasRecord]

  /// The record of a fit.
  public init(_ fit: any FitSummary) {
    kernel = fit.name
    variant = fit.variant
    isChosen = fit.isChosen
    points = fit.heldOut.count
    shapes = fit.groups
    folds = fit.folds
    median = fit.heldOut.median
    p90 = fit.heldOut.p90
    worst = fit.heldOut.worst
    bias = fit.heldOut.bias
    lawMedian = fit.lawOnHeldOut.median
    lawP90 = fit.lawOnHeldOut.p90
    fittedMedian = fit.fitted.median
    fittedP90 = fit.fitted.p90
    cachedPoints = fit.cachedPoints
    parameters = Dictionary(
      fit.parameters.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    biases = fit.heldOut.biases.map(BiasRecord.init)
  }

  /// The columns of a table.
  public static let columns: [RecordRenderer.Column] = [
    .init("kernel", "Law"), .init("variant", "Kernel", dropOrder: 1),
    .init("points", "Points"), .init("shapes", "Shapes", dropOrder: 4),
    .init("median", "Median", form: .percent), .init("p90", "P90", form: .percent),
    .init("bias", "Bias", form: .percent, dropOrder: 3),
    .init("law_median", "Law alone", form: .percent, dropOrder: 2),
    .init("law_p90", "P90", form: .percent, dropOrder: 2),
    .init("fitted_median", "On its own points", form: .percent, dropOrder: 5),
    .init("cached_points", "Cached", dropOrder: 6),
  ]
}

/// The bias of predictions around a size.
public struct BiasRecord: Encodable, Sendable {
  var from: Double
  var to: Double
  var points: Int
  var bias: Double
  var absolute: Double

  init(_ bias: FitErrors.Bias) {
    from = bias.sizes.lowerBound
    to = bias.sizes.upperBound
    points = bias.count
    self.bias = bias.median
    absolute = bias.absolute
  }
}

/// A check of a profile against timings as a record.
public struct CheckRecord: Encodable, Sendable {
  /// A point that is far off.
  struct Point: Encodable, Sendable {
    var shape: String
    var size: Double
    var measuredSeconds: Double
    var predictedSeconds: Double
  }

  var kernel: String
  var variant: String
  var law: String
  var points: Int
  var median: Double
  var p90: Double
  var worst: Double
  var bias: Double
  var biases: [BiasRecord]
  var worstPoints: [Point]

  /// The record of a law on a kernel.
  public init(_ family: TimingCheck.Family) {
    kernel = family.name
    variant = family.variant
    law = family.isFitted ? "fitted" : "standard"
    points = family.errors.count
    median = family.errors.median
    p90 = family.errors.p90
    worst = family.errors.worst
    bias = family.errors.bias
    biases = family.errors.biases.map(BiasRecord.init)
    worstPoints = family.worst.map {
      Point(
        shape: $0.shape, size: $0.size, measuredSeconds: $0.measured,
        predictedSeconds: $0.predicted)
    }
  }

  /// The columns of a table.
  public static let columns: [RecordRenderer.Column] = [
    .init("kernel", "Law"), .init("variant", "Kernel", dropOrder: 1),
    .init("law", "Is", dropOrder: 3),
    .init("points", "Points"), .init("median", "Median", form: .percent),
    .init("p90", "P90", form: .percent), .init("worst", "Worst", form: .percent, dropOrder: 2),
    .init("bias", "Bias", form: .percent),
  ]
}

extension CheckRecord {
  /// The points that are furthest off, for all laws.
  public static func worstTable(_ check: TimingCheck) -> TextTable {
    var table = TextTable(columns: [
      .init("Law"), .init("Shape"), .init("Size", isNumeric: true),
      .init("Measured (us)", isNumeric: true), .init("Predicted (us)", isNumeric: true),
      .init("Error", isNumeric: true),
    ])
    for family in check.families {
      for point in family.worst {
        table.append([
          family.name, point.shape, FigureText.number(point.size),
          FigureText.fixed(point.measured * 1e6, decimals: 1),
          FigureText.fixed(point.predicted * 1e6, decimals: 1),
          FigureText.percent(point.predicted / point.measured - 1),
        ])
      }
    }
    return table
  }
}
