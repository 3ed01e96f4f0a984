// SPDX-License-Identifier: GPL-3.0-or-later

/// A loop over experts in the order of their numbers: each is asked for, waited for, and computed.
///
/// The plain forward pass of Transformers with an expert cache behind it. A later expert's load may
/// evict one that the layer has used or will use, which is what reordering (ProMoE, arXiv
/// 2410.22134) avoids.
public struct ExpertByExpert: SchedulePolicy {
  /// The plain loop.
  public init() {}
  /// Each by itself.
  public func emission(resident: Int, missing: Int) -> ExpertEmission { .residentThenEachAsReady }
  /// One by one.
  public var access: MemberAccess { .oneByOne }
}
