// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Units

extension TimingLaws {
  /// One law, by its place among all of a device.
  public struct Place: Hashable, Sendable {
    /// The number among all laws of a device, the same on every device.
    public var index: Int
    /// The name as files write it: "gemm fp16_packed", "attention decode".
    public var name: String
    /// How far the law is from what it was not fitted to; `nil` where nothing was measured.
    public var residuals: Residuals?
  }

  /// The laws that were fitted, ascending by index.
  public var fitted: [Place] {
    var places: [Place] = []
    for family in KernelFamily.allCases {
      for computeClass in ComputeClass.allCases {
        for storage in KernelSet.Storage.allCases {
          let place = place(of: family, computeClass, storage)
          if place.residuals != nil { places.append(place) }
        }
      }
    }
    for index in attention.indices where attention[index].residuals != nil {
      places.append(place(ofAttention: index))
    }
    return places
  }

  /// The place of the law of a family, class and storage.
  func place(
    of family: KernelFamily, _ computeClass: ComputeClass, _ storage: KernelSet.Storage
  ) -> Place {
    let name = "\(family.name) \(Self.name(of: computeClass, storage))"
    return Place(
      index: Self.index(family, computeClass, storage), name: name,
      residuals: self[family, computeClass, storage].residuals)
  }

  /// The place of a law of attention by blocks; these stand behind all others.
  func place(ofAttention index: Int) -> Place {
    let law = attention[index]
    return Place(
      index: entries.count + index,
      name: "attention \(law.isDecode ? "decode" : "prefill")", residuals: law.residuals)
  }

  /// The laws with the kernels of each fitted one slower by a factor.
  ///
  /// - Parameter factor: how many times as long the kernels of a law take; positive.
  public func slowed(by factor: (Place) -> Double) -> TimingLaws {
    var laws = self
    for place in fitted {
      let value = factor(place)
      precondition(value > 0 && value.isFinite, "Kernels take some time.")
      if place.index < entries.count {
        laws.entries[place.index].factor *= value
      } else {
        laws.attention[place.index - entries.count].factor *= value
      }
    }
    return laws
  }
}

extension DeviceTiming {
  /// The law by which the time of `work` is predicted; `nil` for no work. Attention over latent rows is
  /// counted under its family: its law was judged as a part of a module, and has no error of its own.
  public func place(of work: KernelWork) -> TimingLaws.Place? {
    guard work.kernels > 0 else { return nil }
    if work.sequences > 0, !work.isLatent,
      let index = laws.attention.firstIndex(where: { $0.covers(work.family, work.computeClass) })
    {
      return laws.place(ofAttention: index)
    }
    let storage: KernelSet.Storage =
      work.isSparse ? .sparse : work.isWeightOnly ? .packed : .plain
    let entry = kernels.entries.first { $0.covers(work.family, work.computeClass, storage) }
    let own = laws.place(of: work.family, work.computeClass, storage)
    if entry == nil, own.residuals != nil { return own }
    let actual = capability.peak(for: entry?.arithmetic ?? work.computeClass).computeClass
    return laws.place(of: work.family, actual, storage)
  }
}
