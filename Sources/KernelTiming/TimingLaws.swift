// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Units

/// The laws of a device: one `FamilyLaw` per kernel family, compute class and storage of weights, and
/// where they are from.
///
/// `datasheet` and `processor` hold for devices that nobody measured. A profile may carry fitted
/// parameters under `timing`, which `TimingLaws.read(_:over:into:)` lays over these.
public struct TimingLaws: Hashable, Sendable {
  /// How far a fit was from what was measured.
  public struct Residuals: Hashable, Sendable {
    /// The median of |predicted − measured| / measured.
    public var median: Double
    /// Its 90th percentile.
    public var p90: Double
    /// Points that the fit had not seen.
    public var points: Int

    /// Median and 90th percentile, "3.0 % and 9.5 %".
    public var inWords: String {
      let percent = { (share: Double) in "\((share * 1_000).rounded() / 10) %" }
      return "\(percent(median)) and \(percent(p90))"
    }

    /// Creates residuals.
    public init(median: Double, p90: Double, points: Int) {
      self.median = median
      self.p90 = p90
      self.points = points
    }
  }

  /// The law of one family, class and storage, and what was measured beside it.
  public struct Entry: Hashable, Sendable {
    /// The parameters.
    public var law: FamilyLaw
    /// What the law leaves over, by shape; `nil` where nothing was measured.
    public var grid: KernelGrid?
    /// How far the law and the grid are from shapes that they were not fitted to; `nil` where nothing
    /// was measured.
    public var residuals: Residuals?
    /// How many times as long kernels take as law and grid say; 1 but where errors are drawn.
    public var factor = 1.0

    /// An entry.
    public init(law: FamilyLaw, grid: KernelGrid? = nil, residuals: Residuals? = nil) {
      self.law = law
      self.grid = grid
      self.residuals = residuals
    }
  }

  var entries: [Entry]
  /// Where the parameters are from.
  public var source: String
  /// How good the fit was, over all families; `nil` where nothing was fitted.
  public var residuals: Residuals?
  /// Whether they are those of another device, carried over: residuals are then of that device.
  public var isTransferred = false
  /// Laws of attention by blocks, where they were fitted.
  public var attention: [AttentionLaw] = []
  /// Laws of collectives, where they were fitted.
  public var collectives: [CollectiveLaw] = []
  /// Laws of whole modules of latent attention that decode, where they were fitted.
  public var latentAttention: [LatentAttentionLaw] = []

  /// Creates laws that are the same for every class and storage of a family.
  public init(source: String, residuals: Residuals? = nil, _ law: (KernelFamily) -> FamilyLaw) {
    self.source = source
    self.residuals = residuals
    entries = KernelFamily.allCases.flatMap { family in
      Array(
        repeating: Entry(law: law(family)),
        count: ComputeClass.allCases.count * KernelSet.Storage.allCases.count)
    }
  }

  /// The law of a family in a compute class; setting it sets all storages.
  public subscript(family: KernelFamily, computeClass: ComputeClass) -> FamilyLaw {
    get { self[family, computeClass, .plain].law }
    set {
      for storage in KernelSet.Storage.allCases {
        self[family, computeClass, storage].law = newValue
      }
    }
  }

  /// The entry of a family in a compute class on weights stored in a way.
  public subscript(
    family: KernelFamily, computeClass: ComputeClass, storage: KernelSet.Storage
  ) -> Entry {
    get { entries[Self.index(family, computeClass, storage)] }
    set { entries[Self.index(family, computeClass, storage)] = newValue }
  }

  /// Changes every entry.
  public mutating func changeAll(_ change: (inout Entry) -> Void) {
    for index in entries.indices { change(&entries[index]) }
  }

  static func index(
    _ family: KernelFamily, _ computeClass: ComputeClass, _ storage: KernelSet.Storage
  ) -> Int {
    (Int(family.rawValue) * ComputeClass.allCases.count + Int(computeClass.rawValue))
      * KernelSet.Storage.allCases.count + Int(storage.rawValue)
  }

  /// The roofline at achievable rates, nothing else: for tests and for limits.
  public static let roofline = TimingLaws(source: "the roofline") { _ in .roofline }

  /// A GPU that nobody measured: the achievable rates of its profile and the shape of its units.
  ///
  /// - Products work in tiles of 16 rows (the m16n8k16 instruction of NVIDIA's tensor cores), and
  ///   reach half of their rate with as many rows.
  /// - A product needs 2 µs beside its bytes, attention 8 µs (one call, decoding) and 10 µs (one
  ///   call, prompts). In the operator timings of ai-dynamo/aiconfigurator (vLLM on an H100, an A100
  ///   and an L40S) small products take 1.4 to 5.4 µs beside their bytes, and attention over short
  ///   contexts 11 to 19 µs when decoding and 9 to 14 µs in prompts, medians, launches included.
  /// - Prompt attention reaches 0.6 of what products reach: the median over the same timings.
  /// - Scans reach 0.4 of it: an assumption; their products are 64 tokens by one head wide.
  /// - Other kernels reach the memory's rate after 1 µs, about the latency of dependent reads: an
  ///   assumption.
  public static let datasheet = TimingLaws(source: "data sheets and assumptions") { family in
    let ramp = 1e-6
    return switch family {
    case .gemm, .groupedGEMM: FamilyLaw(rowsHalf: 16, tileRows: 16, ramp: 2 * ramp)
    case .gemv: FamilyLaw(ramp: 2 * ramp)
    case .attentionPrefill:
      FamilyLaw(computeEfficiency: 0.6, rowsHalf: 64, ramp: ramp, launch: 10e-6)
    case .attentionDecode: FamilyLaw(memoryEfficiency: 0.9, ramp: ramp, launch: 8e-6)
    case .linearAttention: FamilyLaw(computeEfficiency: 0.4, memoryEfficiency: 0.8, ramp: ramp)
    case .gate: FamilyLaw(rowsHalf: 16, tileRows: 16, ramp: ramp)
    case .elementwise, .embedding, .copy: FamilyLaw(ramp: ramp)
    }
  }

  /// A processor that nobody measured: parallel loops cost 5 µs to start and join (an assumption for
  /// tens of threads), products need a few rows to use their registers.
  public static let processor = TimingLaws(source: "data sheets and assumptions") { family in
    let launch = 5e-6
    return switch family {
    case .gemm, .groupedGEMM, .gate: FamilyLaw(rowsHalf: 2, launch: launch)
    case .attentionPrefill: FamilyLaw(computeEfficiency: 0.7, rowsHalf: 16, launch: launch)
    case .linearAttention: FamilyLaw(computeEfficiency: 0.5, launch: launch)
    case .gemv, .attentionDecode, .elementwise, .embedding, .copy: FamilyLaw(launch: launch)
    }
  }
}
