// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Units

/// How a set of kernels departs from the law: factors on the rates of plain kernels, by family and
/// by how weights are stored, as functions of the shape.
///
/// A kernel is software, measured by its authors against a plain one on the same device. Its factors
/// are relative to kernels on plain 16-bit weights under the same runtime: a packed format is then not
/// charged the runtime's share for unpacking. Where nothing was measured there is no entry, and the
/// law holds as it is.
public struct KernelSet: Hashable, Sendable {
  /// How the weights lie that an entry is for.
  public enum Storage: UInt8, Hashable, Sendable, CaseIterable, BitwiseCopyable {
    /// As they are multiplied.
    case plain = 0
    /// In a narrower format, unpacked to 16 bits.
    case packed = 1
    /// In the pattern of sparse tensor cores.
    case sparse = 2
  }

  /// What the factors depend on.
  public enum Axis: UInt8, Hashable, Sendable, CaseIterable, BitwiseCopyable {
    /// Rows of the product; of a grouped one, the mean rows per expert.
    case rows = 0
    /// Active experts of a grouped product.
    case groups = 1
  }

  /// Factors at one point of the axis; between points they are straight lines, beyond the ends they
  /// stay what they are there.
  @frozen
  public struct Point: Hashable, Sendable, BitwiseCopyable {
    /// The place on the axis.
    public var at: Double
    /// Factor on the arithmetic rate.
    public var compute: Double
    /// Factor on the memory rate.
    public var memory: Double

    /// A point.
    public init(at: Double, compute: Double, memory: Double) {
      self.at = at
      self.compute = compute
      self.memory = memory
    }
  }

  /// The factors of some families on weights stored in one way.
  public struct Entry: Hashable, Sendable {
    /// The families that it is for.
    public var families: [KernelFamily]
    /// The format of the weights; `nil` for sparse ones of any format.
    public var format: NumberFormat?
    /// The class of arithmetic in which they are multiplied, where it is not the format's own.
    public var arithmetic: ComputeClass?
    /// What the factors depend on.
    public var axis: Axis
    /// At least one point, ascending.
    public var points: [Point]
    /// Where they are from.
    public var source: String
    /// Whether they are an estimate.
    public var isAssumption: Bool

    /// An entry.
    public init(
      families: [KernelFamily], format: NumberFormat?, arithmetic: ComputeClass? = nil,
      axis: Axis = .rows, points: [Point], source: String, isAssumption: Bool = false
    ) {
      self.families = families
      self.format = format
      self.arithmetic = arithmetic
      self.axis = axis
      self.points = points
      self.source = source
      self.isAssumption = isAssumption
    }

    /// How the weights lie.
    public var storage: Storage {
      guard let format else { return .sparse }
      return format.isWeightOnly ? .packed : .plain
    }

    /// Whether it is for products of a class on weights stored in a way.
    func covers(_ family: KernelFamily, _ computeClass: ComputeClass, _ storage: Storage) -> Bool {
      guard families.contains(family), self.storage == storage else { return false }
      return format.map { $0.computeClass == computeClass } ?? true
    }
  }

  /// The name of the set.
  public var name: String
  /// What it stands for.
  public var summary: String
  /// The publication or code.
  public var source: String
  /// Its entries; of several for the same, the first counts.
  public var entries: [Entry]

  /// A set of kernels.
  public init(name: String, summary: String, source: String, entries: [Entry]) {
    self.name = name
    self.summary = summary
    self.source = source
    self.entries = entries
  }

  /// The law as it is.
  public static let none = KernelSet(
    name: "none", summary: "kernels as the law describes them", source: "the law", entries: [])

  /// The formats of weights that it has entries for; nothing for sparse ones.
  public var formats: [NumberFormat] {
    var formats: [NumberFormat] = []
    for case let format? in entries.map(\.format) where !formats.contains(format) {
      formats.append(format)
    }
    return formats
  }

  /// Whether it has entries for sparse weights.
  public var coversSparse: Bool { entries.contains { $0.format == nil } }
}
