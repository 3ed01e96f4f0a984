// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors

/// Prunes the elements of all experts in a pattern that sparse tensor cores multiply.
///
/// *Samoyeds* (arXiv 2503.10725, section 4.1): of each block of M sub-rows of V elements N stay, and of
/// each four elements of these, two. The place of an element within its four takes 2 bits, that of a
/// sub-row one entry for V elements, which is small and left out. Its accuracy tests keep a quarter:
/// 2:4 with N/M = 1/2.
///
/// A sparse product does the FLOP of its stored elements at the dense rate: that is what sparse tensor
/// cores promise at 2:4. How far real kernels are from it is a matter of `policy.kernels`.
public struct SparsifyExperts: ModelTransform {
  /// Bits that say which two of four elements an element is (the PTX instruction `mma.sp`).
  public static let indexBits = 2.0
  /// The share of the elements that stays.
  public let keep: Double

  /// Keeps a share of each expert's elements, routed and shared.
  public init(keep: Double) { self.keep = keep }

  /// The model with sparse experts.
  public func transformed(_ model: ModelDescriptor) throws(RoleProblem) -> ModelDescriptor {
    try model.changingMixtures("keep") { (mixture, _) throws(RoleProblem) in
      guard mixture.expert.density == 1 else {
        throw RoleProblem(
          parameter: "keep", message: "the experts of \(model.name) are compressed already")
      }
      mixture.expert.density = keep
      mixture.expert.indexBits = Self.indexBits
      mixture.shared?.density = keep
      mixture.shared?.indexBits = Self.indexBits
    }
  }
}
