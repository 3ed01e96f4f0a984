// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

/// One implementation of a role: its name, what it does, and how to make it.
public struct RoleRegistration<Role: Sendable>: Sendable {
  /// The name in scenarios, presets and on the command line.
  public let name: String
  /// What it does, in a line.
  public let summary: String
  /// Makes it.
  public let make: @Sendable () -> Role

  /// A registration.
  public init(name: String, summary: String, make: @escaping @Sendable () -> Role) {
    self.name = name
    self.summary = summary
    self.make = make
  }
}

/// The implementations of each role, by name. A new one is a file of its own and a line here.
public enum RoleRegistry {
  /// Prefetch policies.
  public static let prefetch: [RoleRegistration<any PrefetchPolicy>] = [
    .init(name: "none", summary: "fetches an expert when the gate has named it") { NoPrefetch() },
    .init(name: "all", summary: "fetches every expert of the next layer") { PrefetchAll() },
  ]

  /// Schedules.
  public static let schedule: [RoleRegistration<any SchedulePolicy>] = [
    .init(
      name: "compute-as-ready",
      summary: "computes resident experts first, then each other as it arrives"
    ) { ComputeAsReady() },
    .init(
      name: "load-then-compute", summary: "loads all that a layer misses, then computes the layer"
    ) { LoadThenCompute() },
  ]

  /// Admission policies.
  public static let admission: [RoleRegistration<any AdmissionPolicy>] = [
    .init(name: "fcfs", summary: "first come, first served") { FirstComeFirstServed() }
  ]

  /// The registration with a name.
  ///
  /// - Throws: ``UnknownRole``, which lists the names and guesses what was meant.
  public static func find<Role>(
    _ name: String, role: String, in all: [RoleRegistration<Role>]
  ) throws(UnknownRole) -> RoleRegistration<Role> {
    guard let found = all.first(where: { $0.name == name }) else {
      throw UnknownRole(role: role, name: name, valid: all.map(\.name))
    }
    return found
  }
}

/// A role has no implementation of that name.
public struct UnknownRole: Error, CustomStringConvertible, Sendable {
  /// The role.
  public var role: String
  /// What was asked for.
  public var name: String
  /// What there is.
  public var valid: [String]

  /// What was found and what would be right.
  public var description: String {
    let guess = closestMatch(to: name, among: valid).map { "; did you mean '\($0)'?" } ?? ""
    return "no \(role) '\(name)'; there are \(valid.joined(separator: ", "))\(guess)"
  }
}
