// SPDX-License-Identifier: GPL-3.0-or-later

import Policies

/// What each role of a policy may be in a scenario.
public enum ScenarioRoleNames {
  /// One choice of a role.
  public struct Choice: Sendable {
    /// The name of the implementation.
    public let name: String
    /// What it does, in a line.
    public let summary: String
    /// The parameters that it knows.
    public let parameters: [RoleParameter]
    /// What is wrong with values of its parameters, if anything.
    let problem: @Sendable (RoleSettings) -> RoleProblem?
  }

  /// Whom to drop.
  public static var eviction: [String] { EvictionRegistry.names }
  /// What to fetch ahead of its use.
  public static var prefetch: [String] { RoleRegistry.prefetch.map(\.name) }
  /// Which experts of later layers are likely.
  public static var prediction: [String] { RoleRegistry.prediction.map(\.name) }
  /// In which order a layer's experts are computed.
  public static var schedule: [String] { RoleRegistry.schedule.map(\.name) }
  /// The schedules that can spread experts over several devices.
  static let spreadingSchedules = RoleRegistry.schedule.filter {
    (try? $0.make() as? any GraphSchedulePolicy)?.spreadsExperts ?? false
  }.map(\.name)
  /// The schedules that decide whole steps beforehand, and those that react to each gate.
  static let wholeStepSchedules = RoleRegistry.schedule.filter {
    (try? $0.make()) is any GraphSchedulePolicy
  }.map(\.name)
  static let reactiveSchedules = schedule.filter { !wholeStepSchedules.contains($0) }
  /// In which version, where, and whether an activated expert is computed.
  public static var resolve: [String] { RoleRegistry.resolve.map(\.name) }
  /// What starts where.
  public static var placement: [String] { RoleRegistry.placement.map(\.name) }
  /// Who joins the batch.
  public static var admission: [String] { RoleRegistry.admission.map(\.name) }

  /// Which replica a request goes to.
  public static var requestRouting: [String] { RoleRegistry.requestRouting.map(\.name) }

  /// What is served in place of the published model.
  public static var transform: [String] { RoleRegistry.transform.map(\.name) }

  /// Every role with its choices, by the roles' keys.
  public static let all: [(role: String, choices: [Choice])] = [
    ("eviction", evictionChoices), ("host_eviction", evictionChoices),
    ("prefetch", choices(RoleRegistry.prefetch)),
    ("prediction", choices(RoleRegistry.prediction)), ("schedule", choices(RoleRegistry.schedule)),
    ("resolve", choices(RoleRegistry.resolve)), ("placement", choices(RoleRegistry.placement)),
    ("admission", choices(RoleRegistry.admission)),
    ("transform", choices(RoleRegistry.transform)),
    ("request_routing", choices(RoleRegistry.requestRouting)),
  ]

  /// The key of a scenario that chooses a role: most stand under `policy`, request routing under `fleet`.
  public static func key(of role: String) -> String {
    role == "request_routing" ? "fleet.request_routing" : "policy.\(role)"
  }

  /// The choices of a role by its key; empty when there is no such role.
  static func choices(of role: String) -> [Choice] {
    all.first { $0.role == role }?.choices ?? []
  }

  private static let evictionChoices = EvictionRegistry.all.map { registration in
    Choice(
      name: registration.name, summary: registration.summary, parameters: registration.parameters
    ) { registration.problem($0) }
  }

  private static func choices<Role>(_ registrations: [RoleRegistration<Role>]) -> [Choice] {
    registrations.map { registration in
      Choice(
        name: registration.name, summary: registration.summary,
        parameters: registration.parameters
      ) { settings in
        do throws(RoleProblem) { _ = try registration.make(settings) } catch { return error }
        return nil
      }
    }
  }
}
