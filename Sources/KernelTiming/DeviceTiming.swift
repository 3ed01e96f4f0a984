// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import SimulationKernel
import Units

/// How long an operation takes on one device under one runtime.
///
/// The law, its efficiencies and the device's rates are folded into one row of numbers per family,
/// class and storage when the value is made; a prediction is one look-up, two divisions and a
/// maximum.
///
/// ```swift
/// let timing = DeviceTiming(capability: capability, software: costs, laws: .datasheet)
/// let seconds = timing.seconds(layer.expertWork(tokens: 4))
/// ```
///
/// Weight-only formats are multiplied in 16 bits and read at the dequantisation share of the memory
/// rate. So are formats that the device does not multiply: mxfp4 and FP8 before the generation
/// that has them.
///
/// A `KernelSet` changes the rates of the rows that it has entries for: constant factors are folded in
/// as well, those that depend on the shape are looked up in a table of a few points.
public struct DeviceTiming: Sendable {
  /// The law of one family, class and storage with the device's rates multiplied in.
  @frozen
  public struct Row: Hashable, Sendable, BitwiseCopyable {
    /// Seconds per FLOP at the asymptote.
    @usableFromInline var secondsPerFlop: Double
    /// Rows at which half of the rate is reached.
    @usableFromInline var rowsHalf: Double
    /// Rows of a tile; 0 for none.
    @usableFromInline var tileRows: Double
    /// Seconds per byte at the asymptote.
    @usableFromInline var secondsPerByte: Double
    /// Bytes that the ramp costs.
    @usableFromInline var rampBytes: Double
    /// Seconds per launch.
    @usableFromInline var launch: Double
    /// The points of factors that depend on the shape, in the table of all; empty for none.
    @usableFromInline var firstPoint: Int32
    @usableFromInline var pointCount: Int32
    /// Whether they stand over active experts rather than rows.
    @usableFromInline var isOverGroups: Bool
    /// The share of the shorter of arithmetic and traffic that is not hidden.
    @usableFromInline var overlapLoss: Double
    /// Seconds per root of the depth.
    @usableFromInline var depthLatency: Double
    /// Seconds per row of all groups.
    @usableFromInline var rowLatency: Double
    /// The place in the table of grids, or −1.
    @usableFromInline var grid: Int32
    /// The place in the table of laws of attention, or −1.
    @usableFromInline var attention: Int32
  }

  /// Where the time of an operation goes.
  @frozen
  public struct Parts: Hashable, Sendable, BitwiseCopyable {
    /// Seconds of launches and other latencies, and what of the shorter of the other two is not hidden.
    public var overhead: Double
    /// Seconds that arithmetic alone would take.
    public var compute: Double
    /// Seconds that memory traffic alone would take.
    public var memory: Double

    /// Creates parts.
    @inlinable
    public init(overhead: Double, compute: Double, memory: Double) {
      self.overhead = overhead
      self.compute = compute
      self.memory = memory
    }

    /// Seconds in all: launches, and the longer of the two.
    @inlinable
    public var seconds: Double { overhead + max(compute, memory) }

    /// Whether memory is what takes the time.
    @inlinable
    public var isMemoryBound: Bool { memory >= compute }
  }

  /// What the device can do.
  public let capability: DeviceCapability
  /// What the software adds.
  public let software: SoftwareCosts
  /// The laws and their source.
  public let laws: TimingLaws
  /// The kernels that depart from them.
  public let kernels: KernelSet

  @usableFromInline let rows: [Row]
  /// The points of all factors that depend on the shape.
  @usableFromInline let points: [KernelSet.Point]
  /// The grids of all rows that have one.
  @usableFromInline let grids: [KernelGrid.Compiled]
  /// The factors of all grids.
  @usableFromInline let gridFactors: [Double]
  /// The laws of attention of all rows that have one.
  @usableFromInline let attention: [AttentionLaw.Compiled]
  /// Decoding over latent rows of 16 bits a value, and of 8; empty where no module was timed.
  @usableFromInline let latent: [LatentAttentionLaw.Core]

  @usableFromInline static let classCount = 6
  @usableFromInline static let storageCount = 3

  /// Creates the timing of a device.
  public init(
    capability: DeviceCapability, software: SoftwareCosts = .none, laws: TimingLaws = .datasheet,
    kernels: KernelSet = .none
  ) {
    precondition(
      ComputeClass.allCases.count == Self.classCount
        && KernelSet.Storage.allCases.count == Self.storageCount,
      "The table has a row for each class and storage.")
    self.capability = capability
    self.software = software
    self.laws = laws
    self.kernels = kernels
    var rows: [Row] = []
    var points: [KernelSet.Point] = []
    var grids: [KernelGrid.Compiled] = []
    var gridFactors: [Double] = []
    func place(_ grid: KernelGrid?) -> Int32 {
      guard let grid else { return -1 }
      grids.append(grid.compiled(into: &gridFactors))
      return Int32(grids.count - 1)
    }
    for family in KernelFamily.allCases {
      for computeClass in ComputeClass.allCases {
        for storage in KernelSet.Storage.allCases {
          let entry = kernels.entries.first { $0.covers(family, computeClass, storage) }
          var row = Self.row(
            family, computeClass, storage, entry: entry, capability: capability,
            software: software, laws: laws)
          let fitted = Self.entry(
            family, computeClass, storage, kernel: entry, capability: capability, laws: laws)
          if entry == nil { row.grid = place(fitted.grid) }
          row.attention = Int32(
            laws.attention.firstIndex { $0.covers(family, computeClass) } ?? -1)
          if let entry, entry.points.count > 1 {
            row.firstPoint = Int32(points.count)
            row.pointCount = Int32(entry.points.count)
            row.isOverGroups = entry.axis == .groups
            points += entry.points
          }
          rows.append(row)
        }
      }
    }
    self.rows = rows
    self.points = points
    attention = laws.attention.map { law in
      var compiled = law.compiled(capability: capability, software: software)
      compiled.grid = place(law.grid)
      return compiled
    }
    self.grids = grids
    self.gridFactors = gridFactors
    let modules = laws.latentAttention.filter { !$0.isSingleHead }
    let wide = modules.first { !$0.hasNarrowCache } ?? modules.first
    let narrow = modules.first { $0.hasNarrowCache } ?? wide
    latent = [wide, narrow].compactMap { $0?.core(on: capability, software: software) }
  }

  /// The law of a class and storage: its own where that was fitted, else that of the class as which
  /// its arithmetic runs.
  private static func entry(
    _ family: KernelFamily, _ computeClass: ComputeClass, _ storage: KernelSet.Storage,
    kernel: KernelSet.Entry?, capability: DeviceCapability, laws: TimingLaws
  ) -> TimingLaws.Entry {
    let own = laws[family, computeClass, storage]
    if kernel == nil, own.residuals != nil { return own }
    let actual = capability.peak(for: kernel?.arithmetic ?? computeClass).computeClass
    return laws[family, actual, storage]
  }

  private static func row(
    _ family: KernelFamily, _ computeClass: ComputeClass, _ storage: KernelSet.Storage,
    entry: KernelSet.Entry?, capability: DeviceCapability, software: SoftwareCosts,
    laws: TimingLaws
  ) -> Row {
    let (actual, peak) = capability.peak(for: entry?.arithmetic ?? computeClass)
    let fitted = Self.entry(
      family, computeClass, storage, kernel: entry, capability: capability, laws: laws)
    let (law, factor) = (fitted.law, fitted.factor)
    // A narrower format that the device does not multiply is unpacked like a weight-only one.
    // Where such weights were measured themselves, the law holds what unpacking costs.
    let isMeasured = laws[family, computeClass, storage].residuals != nil
    let unpacks =
      !isMeasured
      && (storage == .packed || (actual != computeClass && computeClass.fallback == .fp16))
    let constant = entry.flatMap { $0.points.count == 1 ? $0.points[0] : nil }
    let bandwidth =
      capability.bandwidth.achievable * law.memoryEfficiency * software.memoryEfficiency
      * (entry == nil && unpacks ? software.dequantizationEfficiency : 1)
      * (constant?.memory ?? 1)
    let rate =
      peak.achievable * law.computeEfficiency * software.computeEfficiency
      * (constant?.compute ?? 1)
    return Row(
      secondsPerFlop: factor / rate, rowsHalf: law.rowsHalf, tileRows: law.tileRows,
      secondsPerByte: factor / bandwidth, rampBytes: capability.bandwidth.achievable * law.ramp,
      launch: factor * law.launch + software.perKernel, firstPoint: 0, pointCount: 0,
      isOverGroups: false,
      overlapLoss: law.overlapLoss, depthLatency: factor * law.depthLatency,
      rowLatency: factor * law.rowLatency, grid: -1, attention: -1)
  }

  /// The factors of a row whose kernels depend on the shape, at one place of its axis.
  ///
  /// - Complexity: O(points), a handful.
  @usableFromInline
  func factors(_ row: Row, at place: Double) -> (compute: Double, memory: Double) {
    let first = Int(row.firstPoint)
    let last = first + Int(row.pointCount) - 1
    var upper = first
    while upper <= last && points[upper].at < place { upper += 1 }
    if upper == first { return (points[first].compute, points[first].memory) }
    if upper > last { return (points[last].compute, points[last].memory) }
    let (before, after) = (points[upper - 1], points[upper])
    let part = (place - before.at) / (after.at - before.at)
    return (
      before.compute + part * (after.compute - before.compute),
      before.memory + part * (after.memory - before.memory)
    )
  }

  /// Where the time of `work` goes; all zero for no work.
  ///
  /// - Complexity: O(1), no allocation.
  @inlinable
  public func parts(_ work: KernelWork) -> Parts {
    guard work.kernels > 0 else { return Parts(overhead: 0, compute: 0, memory: 0) }
    let index =
      (Int(work.family.rawValue) * Self.classCount + Int(work.computeClass.rawValue))
      * Self.storageCount + (work.isSparse ? 2 : work.isWeightOnly ? 1 : 0)
    let row = rows[index]
    if work.sequences > 0, let parts = attentionParts(work, row) { return parts }
    var compute = work.flop * row.secondsPerFlop
    if work.rows > 0 {
      // flop · (tiled + half) / rows, where tiled is rows rounded up to whole tiles.
      var tiled = work.rows
      if row.tileRows > 1 { tiled = (tiled / row.tileRows).rounded(.up) * row.tileRows }
      compute *= (tiled + row.rowsHalf) / work.rows
    }
    var memory = work.bytes > 0 ? (work.bytes + row.rampBytes) * row.secondsPerByte : 0
    if row.pointCount > 0 {
      let factors = factors(row, at: row.isOverGroups ? work.groups : work.rows)
      compute /= factors.compute
      memory /= factors.memory
    }
    var overhead =
      Double(work.kernels) * row.launch + row.depthLatency * work.depth.squareRoot()
      + row.rowLatency * work.rows * work.groups
    if row.overlapLoss > 0 {
      let (short, long) = (min(compute, memory), max(compute, memory))
      if long > 0 { overhead += row.overlapLoss * short * short / long }
    }
    guard row.grid >= 0 else {
      return Parts(overhead: overhead, compute: compute, memory: memory)
    }
    let factor = grids[Int(row.grid)].factor(work, in: gridFactors)
    return Parts(
      overhead: overhead * factor, compute: compute * factor, memory: memory * factor)
  }

  /// Where the time of attention goes by a law of its own; `nil` where there is none, and the family's
  /// holds.
  @inlinable
  func attentionParts(_ work: KernelWork, _ row: Row) -> Parts? {
    guard !work.isLatent else {
      guard work.family == .attentionDecode, !latent.isEmpty,
        work.depth == LatentAttentionLaw.Core.width
      else { return nil }
      return latent[hasNarrowRows(work) ? 1 : 0].parts(work, launch: software.perKernel)
    }
    guard row.attention >= 0 else { return nil }
    let law = attention[Int(row.attention)]
    let factor = law.grid < 0 ? 1 : grids[Int(law.grid)].factor(work, in: gridFactors)
    return law.parts(work, launch: software.perKernel, gridFactor: factor)
  }

  /// Whether latent rows are stored in 8 bits a value.
  @usableFromInline
  func hasNarrowRows(_ work: KernelWork) -> Bool {
    work.bytes < 1.5 * work.sequences * work.context * LatentAttentionLaw.Core.rowValues
  }

  /// Seconds that `work` takes when nothing else runs on the device; 0 for no work.
  ///
  /// - Complexity: O(1), no allocation.
  @inlinable
  public func seconds(_ work: KernelWork) -> Double { parts(work).seconds }

  /// The time that `work` takes, rounded to the simulation's unit.
  @inlinable
  public func duration(_ work: KernelWork) -> SimulatedDuration {
    SimulatedDuration(seconds: seconds(work))
  }

  /// Seconds that a mixer's parts take one after the other.
  @inlinable
  public func seconds(_ work: AttentionWork) -> Double {
    seconds(work.input) + seconds(work.prefill) + decodeSeconds(work) + seconds(work.output)
  }

  /// Seconds of the sequences that decode beside prompts, or alone.
  ///
  /// FlashAttention 2 packs the query heads of a group into one tile where every sequence has one token;
  /// beside prompts, in one launch with them, it does not, and each query head walks the keys and values
  /// in a tile of its own. Version 3 packs them always.
  @usableFromInline
  func decodeSeconds(_ work: AttentionWork) -> Double {
    let decode = work.decode
    guard work.prefill.sequences > 0, decode.sequences > 0, !decode.isLatent,
      decode.family == .attentionDecode, decode.columns > decode.groups
    else { return seconds(decode) }
    var unpacked = decode
    unpacked.family = .attentionPrefill
    let index =
      (Int(unpacked.family.rawValue) * Self.classCount + Int(unpacked.computeClass.rawValue))
      * Self.storageCount
    let law = rows[index].attention
    guard law >= 0, !attention[Int(law)].isThree else { return seconds(decode) }
    return max(seconds(decode), seconds(unpacked))
  }

  /// The time that a mixer's parts take one after the other.
  @inlinable
  public func duration(_ work: AttentionWork) -> SimulatedDuration {
    SimulatedDuration(seconds: seconds(work))
  }
}
