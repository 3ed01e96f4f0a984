// SPDX-License-Identifier: GPL-3.0-or-later

extension FleetConfiguration {
  /// What a fleet's steps depend on, and a re-run can make faster.
  public static let speedUps: [SpeedUp] = [.compute, .deviceMemory, .peers, .software]

  /// The same fleet with one resource of every group faster by a factor.
  ///
  /// - Precondition: The resource is among ``speedUps``.
  public func sped(up thing: SpeedUp, by factor: Double) -> FleetConfiguration {
    precondition(Self.speedUps.contains(thing), "A fleet's steps depend on the resource.")
    var faster = self
    for index in groups.indices {
      let group = groups[index]
      faster.groups[index].figures = group.figures.sped(up: thing, by: factor)
      switch thing {
      case .compute: faster.groups[index].timing = group.timing.scaled(compute: factor)
      case .deviceMemory: faster.groups[index].timing = group.timing.scaled(memory: factor)
      case .software: faster.groups[index].timing = group.timing.scaled(overhead: 1 / factor)
      case .peers:
        faster.groups[index].makeCollectives = { plan in
          try group.makeCollectives(plan).sped(by: factor)
        }
      case .link, .hostMemory, .drive: break
      }
    }
    return faster
  }
}
