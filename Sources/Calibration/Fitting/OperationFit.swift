// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming

/// The law and grid of an operation that is no single kernel, and how good they are by one grouping of
/// the points.
public struct OperationFit: FitSummary {
  /// The law's name.
  public var name: String
  /// The implementation, and what was held out together.
  public var variant: String
  /// Groups of points that were held out together.
  public var groups: Int
  /// Parts of the cross-validation; 1 where there was one group only, and nothing held out.
  public var folds: Int
  /// Errors on points that were fitted to.
  public var fitted: FitErrors
  /// Errors of the law alone on held-out points.
  public var lawOnHeldOut: FitErrors
  /// Errors of law and grid on held-out points.
  public var heldOut: FitErrors
  /// Not counted: operations hold more than what a cache may serve.
  public var cachedPoints: Int { 0 }
  /// Whether the profile takes the law, with the errors of this way of holding out.
  public var isChosen: Bool
  /// The fitted parameters by name, seconds, bytes or shares.
  public var parameters: [(name: String, value: Double)]
}

/// Fits the laws of one kind of operation.
struct OperationCalibrator<Law: FittableOperation> {
  var device: DeviceCapability
  var folds: Int
  var seed: UInt64
  var isRepeated: Bool
  var preferred: String?

  typealias Point = TimedOperation<Law>

  /// Fits each law to each implementation, and puts those of the chosen ones into `laws`, with the
  /// errors of the grouping that went worst.
  ///
  /// - Returns: A summary for each law, implementation and grouping; and what had too few points.
  /// - Throws: `GSLError`.
  func fit(
    _ points: [Point], into laws: inout TimingLaws
  ) throws -> (fits: [OperationFit], unused: [(name: String, count: Int)]) {
    var fits: [OperationFit] = []
    var unused: [(name: String, count: Int)] = []
    for name in Set(points.map(\.name)).sorted() {
      let all = points.filter { $0.name == name }
      let variants = Set(all.map(\.variant)).sorted().map { variant in
        all.filter { $0.variant == variant }
      }
      let enough = variants.filter { $0.count >= 2 * $0[0].law.parameters.count }
      for few in variants where few.count < 2 * few[0].law.parameters.count {
        unused.append(("\(name) by \(few[0].variant)", few.count))
      }
      let wanted = enough.filter { own in preferred.map { own[0].variant.contains($0) } ?? false }
      // What is called eagerly takes the host's time, which runtimes state on their own.
      let rank = { (own: [Point]) in
        (own.count, own[0].variant.lowercased().contains("eager") ? 0 : 1)
      }
      let chosen = (wanted.isEmpty ? enough : wanted).max { rank($0) < rank($1) }
      for own in enough {
        let isChosen = own[0].variant == chosen?[0].variant
        var (law, summaries) = try fitted(own)
        let worst = summaries.indices.max {
          summaries[$0].heldOut.median < summaries[$1].heldOut.median
        }
        if isChosen, let worst {
          summaries[worst].isChosen = true
          let errors = summaries[worst].heldOut
          law.residuals = TimingLaws.Residuals(
            median: errors.median, p90: errors.p90, points: errors.count)
          laws[keyPath: Law.place].removeAll { $0.isFor(law) }
          laws[keyPath: Law.place].append(law)
        }
        fits += summaries
      }
    }
    return (fits, unused)
  }

  private func fitted(_ points: [Point]) throws -> (Law, [OperationFit]) {
    let law = try fit(points)
    let own = points.map { law.predicted($0.shape, on: device, cached: isRepeated) }
    let sizes = points.map { (seconds: $0.seconds, size: $0.size) }
    guard let fitted = FitErrors(times: sizes, predicted: own) else {
      preconditionFailure("A fit has points.")
    }
    let summaries = try law.groupings.enumerated().map { number, grouping in
      let parts = ShapeFolds(
        points.map { ($0.groups[number], $0.size) }, count: folds, seed: seed)
      var alone = own
      var corrected = own
      for part in 0..<(parts.count > 1 ? parts.count : 0) {
        let known = try fit(points.indices.filter { parts.parts[$0] != part }.map { points[$0] })
        for index in points.indices where parts.parts[index] == part {
          let shape = points[index].shape
          alone[index] = known.seconds(shape, on: device, cached: isRepeated)
          corrected[index] = known.predicted(shape, on: device, cached: isRepeated)
        }
      }
      return OperationFit(
        name: points[0].name, variant: "\(points[0].variant), \(grouping) unseen",
        groups: parts.groups, folds: parts.count, fitted: fitted,
        lawOnHeldOut: FitErrors(times: sizes, predicted: alone) ?? fitted,
        heldOut: FitErrors(times: sizes, predicted: corrected) ?? fitted, isChosen: false,
        parameters: law.parameters.map { ($0.name, law[keyPath: $0.path]) })
    }
    return (law, summaries)
  }

  /// The law and its grid.
  private func fit(_ points: [Point]) throws -> Law {
    let start = points[0].law
    var law = try LawFit.fit(
      start, parameters: start.parameters, to: points.map(\.seconds)
    ) { law, index in
      law.seconds(points[index].shape, on: device, cached: isRepeated)
    }
    let axes = GridFit.axes(law.axes) { feature in
      points.map { Law.value(of: feature, in: $0.shape) }
    }
    guard !axes.isEmpty, points.count >= 30 else { return law }
    law.grid = try GridFit.fit(
      axes: axes,
      ratios: points.map { $0.seconds / law.seconds($0.shape, on: device, cached: isRepeated) }
    ) { grid in
      points.map { point in grid.stencil { Law.value(of: $0, in: point.shape) } }
    }
    return law
  }
}
