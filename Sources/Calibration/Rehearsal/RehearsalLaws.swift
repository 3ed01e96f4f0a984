// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors
import Units

/// The timing of a processor and the rate of a drive, from short measurements with the routines that
/// an execution uses: one row of each kernel at one token.
///
/// Products are taken to need t = launches · l + bytes / B, with l and B by least squares of relative
/// errors over all products of one row (projections, experts, head). Gate, attention and other loops
/// get the launch that explains their row at the rate B. It stands in for a profile that was fitted to
/// a sweep, and holds for the shapes that were measured alone.
public struct RehearsalLaws: Sendable {
  /// The rate at which products read weights [bytes/s].
  public private(set) var bandwidth = 0.0
  /// Seconds of a launch.
  public private(set) var launch = 0.0
  /// The rate of reads [bytes/s]; `nil` where none were measured.
  public private(set) var readRate: Double?
  private var gate: Double?
  private var attention: Double?
  private var elementwise: Double?

  /// Launches by which the engine counts an expert, a gate.
  private static let expertKernels = 3.0
  private static let gateKernels = 2.0

  /// Laws from rows of measurements.
  ///
  /// - Throws: ``RehearsalRefusal`` where no products are among them.
  public init(_ rows: [KernelMeasurement]) throws(RehearsalRefusal) {
    let points = rows.compactMap { row -> (kernels: Double, bytes: Double, seconds: Double)? in
      guard let bytes = Self.productBytes(row), row.median > 0 else { return nil }
      return (row.kernel == .fusedExperts ? Self.expertKernels : 1, bytes, row.median)
    }
    guard !points.isEmpty else {
      throw RehearsalRefusal("the timings have no products of one row: gemv or fused_experts rows")
    }
    fit(points)
    if let row = rows.last(where: { $0.kernel == .read }), let bytes = row.bytes {
      readRate = Double(bytes) / row.median
    }
    for row in rows {
      switch row.kernel {
      case .gate:
        let bytes = 4.0 * Double((row.experts ?? 0) * (row.hidden ?? 0))
        gate = max(0, row.median - bytes / bandwidth) / Self.gateKernels
      case .attentionDecode:
        let bytes = 8.0 * Double((row.past ?? 0) * (row.kvHeads ?? 0) * (row.headSize ?? 0))
        attention = max(0, row.median - bytes / bandwidth)
      case .elementwise:
        // Two norms with their additions, as the engine counts a layer's.
        elementwise = max(0, row.median - 32 * Double(row.hidden ?? 0) / bandwidth) / 2
      default: break
      }
    }
  }

  private static func productBytes(_ row: KernelMeasurement) -> Double? {
    switch row.kernel {
    case .gemv:
      guard let n = row.n, let k = row.k else { return nil }
      return 4 * Double(n * k + n + k)
    case .fusedExperts:
      guard row.tokens == 1, row.activated ?? 1 == 1, let hidden = row.hidden, let width = row.width
      else { return nil }
      return 4 * Double(3 * hidden * width + 3 * (hidden + width))
    default: return nil
    }
  }

  /// Least squares of relative errors: minimises Σ ((l k + b/B − t)/t)² over l ≥ 0 and B.
  private mutating func fit(_ points: [(kernels: Double, bytes: Double, seconds: Double)]) {
    var (kk, kb, bb, k, b) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for point in points {
      let x = point.kernels / point.seconds
      let y = point.bytes / point.seconds
      kk += x * x
      kb += x * y
      bb += y * y
      k += x
      b += y
    }
    let determinant = kk * bb - kb * kb
    if determinant > 1e-12 * kk * bb {
      launch = (k * bb - b * kb) / determinant
      bandwidth = determinant / (kk * b - kb * k)
    }
    if launch < 0 || bandwidth <= 0 || !bandwidth.isFinite || determinant <= 1e-12 * kk * bb {
      launch = 0
      bandwidth = bb / b
    }
  }

  /// The timing of the processor, with what a given one says of arithmetic.
  public func timing(over other: DeviceTiming) -> DeviceTiming {
    var capability = other.capability
    capability.bandwidth = .init(nominal: bandwidth)
    var laws = TimingLaws(source: "short measurements before the run") { family in
      switch family {
      case .gate: FamilyLaw(launch: gate ?? launch)
      case .attentionDecode: FamilyLaw(launch: attention ?? launch)
      case .elementwise, .embedding, .copy: FamilyLaw(launch: elementwise ?? 0)
      default: FamilyLaw(launch: launch)
      }
    }
    for computeClass in ComputeClass.allCases {
      // Of prompts nothing was measured.
      for family in [KernelFamily.gemm, .attentionPrefill, .linearAttention] {
        laws[family, computeClass] = other.laws[family, computeClass]
      }
    }
    return DeviceTiming(
      capability: capability, software: .none, laws: laws, kernels: other.kernels)
  }
}
