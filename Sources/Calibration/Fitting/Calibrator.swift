// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors
import Units

/// Fits all laws of a device to a table of timings.
public struct Calibrator: Sendable {
  /// The device as its profile states it.
  public var device: DeviceCapability
  /// The laws to begin with, and to keep where nothing was measured.
  public var base: TimingLaws
  /// Parts of the cross-validation.
  public var folds = 5
  /// The seed by which shape groups are dealt.
  public var seed: UInt64 = 1
  /// Whether kernels were timed on the same operands again and again, so that caches may serve them.
  public var isRepeated = true
  /// Of several kernels for one law the profile takes the one whose name contains this; the one with
  /// most points where it is `nil` or none does.
  public var preferred: String?

  /// A calibrator.
  public init(device: DeviceCapability, base: TimingLaws) {
    self.device = device
    self.base = base
  }

  /// What came of a table.
  public struct Outcome: Sendable {
    /// A fit for each law and kernel.
    public var families: [FamilyFit]
    /// Fits of operations that are no single kernels, once for each way of holding points out.
    public var operations: [OperationFit]
    /// Rows of kernels that no law describes, by kernel, and kernels with too few rows to fit.
    public var unused: [(name: String, count: Int)]
    /// The laws that a profile takes.
    public var laws: TimingLaws

    /// All fits, families first.
    public var fits: [any FitSummary] { families + operations }
  }

  /// Fits and cross-validates.
  ///
  /// - Throws: `GSLError`.
  /// - Complexity: about 0.3 ms a row.
  public func fit(_ rows: [KernelMeasurement], source: String) throws -> Outcome {
    var sorted = SortedTimings(rows, of: device)
    var families: [FamilyFit] = []
    var laws = base
    laws.source = source
    for (key, variants) in sorted.inOrder {
      let first = families.count
      for (variant, points) in variants {
        guard points.count >= 3 else {
          sorted.unused["\(key.name) by \(variant)", default: 0] += points.count
          continue
        }
        families.append(
          try FamilyFit(
            points, key: key, variant: variant, base: base, device: device, folds: folds,
            seed: seed, isRepeated: isRepeated))
      }
      choose(among: &families[first...])
      if let chosen = families[first...].first(where: \.isChosen) { laws.take(chosen) }
    }
    if device.units <= 1 { laws.groupAsOneByOne() }
    let ofCollectives = try operations().fit(sorted.collectives, into: &laws)
    let ofModules = try operations().fit(sorted.modules, into: &laws)
    for (name, count) in ofCollectives.unused + ofModules.unused {
      sorted.unused[name, default: 0] += count
    }
    let fits = ofCollectives.fits + ofModules.fits
    laws.residuals = Self.overall(families + fits)
    return Outcome(
      families: families, operations: fits, unused: sorted.unusedInOrder, laws: laws)
  }

  private func operations<Law>() -> OperationCalibrator<Law> {
    OperationCalibrator(
      device: device, folds: folds, seed: seed, isRepeated: isRepeated, preferred: preferred)
  }

  private func choose(among variants: inout ArraySlice<FamilyFit>) {
    let wanted = variants.indices.filter { index in
      preferred.map { variants[index].variant.contains($0) } ?? false
    }
    let candidates = wanted.isEmpty ? Array(variants.indices) : wanted
    let chosen = candidates.max { variants[$0].heldOut.count < variants[$1].heldOut.count }
    for index in variants.indices { variants[index].isChosen = index == chosen }
  }

  /// The medians of the chosen families, weighted by their points.
  private static func overall(_ families: [any FitSummary]) -> TimingLaws.Residuals? {
    let chosen = families.filter(\.isChosen)
    let points = chosen.reduce(0) { $0 + $1.heldOut.count }
    guard points > 0 else { return nil }
    let mean = { (path: KeyPath<FitErrors, Double>) in
      chosen.reduce(0) { $0 + $1.heldOut[keyPath: path] * Double($1.heldOut.count) }
        / Double(points)
    }
    return TimingLaws.Residuals(median: mean(\.median), p90: mean(\.p90), points: points)
  }
}

extension TimingLaws {
  /// Takes a fitted law over.
  mutating func take(_ fit: FamilyFit) {
    let residuals = Residuals(
      median: fit.heldOut.median, p90: fit.heldOut.p90, points: fit.heldOut.count)
    switch fit.law {
    case .family(let law):
      self[fit.key.family, fit.key.computeClass, fit.key.storage] = Entry(
        law: law, grid: fit.grid, residuals: residuals)
    case .attention(var law):
      law.grid = fit.grid
      law.residuals = residuals
      attention.removeAll { $0.isDecode == law.isDecode }
      attention.append(law)
    }
  }

  /// A processor computes the experts of a layer one after the other: where no grouped products were
  /// timed, those of single rows say what they take.
  mutating func groupAsOneByOne() {
    for computeClass in ComputeClass.allCases {
      for storage in KernelSet.Storage.allCases {
        let single = self[.gemv, computeClass, storage]
        guard single.residuals != nil,
          self[.groupedGEMM, computeClass, storage].residuals == nil
        else { continue }
        self[.groupedGEMM, computeClass, storage] = Entry(
          law: single.law, residuals: single.residuals)
      }
    }
  }
}
