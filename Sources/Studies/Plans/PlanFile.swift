// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
public import Experiments

/// What is to be bought: traffic, objectives, limits, and the candidates to choose among.
///
/// The keys are described in docs/plan.md. A plan holds choices; whether they go together is found
/// when candidates are made of them.
public struct PlanFile: Sendable {
  /// The plan's name: that in the file, or the file's own.
  public var name: String
  /// The path of the file, from which relative paths count.
  public var file: String
  /// What all candidates have in common: a part of a scenario, with traffic and objectives in it.
  var base: ConfigurationNode
  /// Whether traffic is written short.
  var hasShortTraffic: Bool
  /// The service-level objectives that every replication of a plan must meet.
  public var objectives: [ScenarioObjective]
  /// What may be bought.
  public var limits: PlanLimits
  /// Whether machines are bought or rented.
  public var pricing: PlanPricing
  /// The choices for each part of a candidate.
  var axes: PlanAxes
  /// What is known of the answers' quality.
  public var accuracies: [PlanAccuracy]
  /// How candidates are searched.
  public var search: PlanSearchOptions
}

/// Whether machines are bought or rented.
public enum PlanPricing: String, CaseIterable, Sendable, Codable {
  /// Bought and written off, energy apart.
  case buy
  /// Rented by the hour, energy included.
  case rent
}

/// What may be bought; `nil` where there is no limit.
public struct PlanLimits: Sendable, Hashable {
  /// The purchase of everything [USD].
  public var budget: Double?
  /// The rent of everything [USD/h].
  public var budgetPerHour: Double?
  /// The power of everything at full load [W].
  public var power: Double?
  /// Rack units of everything.
  public var rackUnits: Int?
  /// Who may have made it.
  public var vendors: [String]?

  /// No limits.
  public init() {}
}

/// How candidates are searched.
public struct PlanSearchOptions: Sendable, Hashable {
  /// Requests of a full run.
  public var requests: Int
  /// Requests of the first round of screening.
  public var screening: Int
  /// What is left of the candidates after each round: one in so many; runs grow as much.
  public var reduction: Int
  /// Candidates at the end of screening, beside the best in each figure.
  public var finalists: Int
  /// Runs of each finalist, with randomness that screening has not seen.
  public var replications: Int
  /// Finalists whose headroom and sensitivities are found.
  public var details: Int
  /// The seed of all randomness.
  public var seed: UInt64
  /// The probability with which intervals cover.
  public var confidence = 0.95
}

/// One choice for a part of a candidate.
struct PlanChoice: Sendable {
  /// How reports call it.
  var label: String
  /// What scenarios would say; `nil` for what the base says.
  var node: ConfigurationNode?
}

/// A machine among which to choose.
struct PlanMachine: Sendable {
  /// The machine.
  var choice: PlanChoice
  /// Who makes it, where the plan says so.
  var vendor: String?
  /// What it takes of a rack, where the plan says so.
  var rackUnits: Int?
}

/// The choices for each part of a candidate; every part has at least one.
struct PlanAxes: Sendable {
  var models: [PlanChoice]
  var machines: [PlanMachine]
  var replicas: [Int]
  var parallelism: [PlanChoice]
  var policies: [PlanChoice]
  var precisions: [PlanChoice]
  var caches: [PlanChoice]
  var runtimes: [PlanChoice]

  /// How many candidates there are.
  var count: Int {
    models.count * machines.count * replicas.count * parallelism.count * policies.count
      * precisions.count * caches.count * runtimes.count
  }
}

/// What is known of the quality of answers: of all candidates that its names cover.
public struct PlanAccuracy: Sendable, Hashable {
  /// The model; `nil` for every one.
  public var model: String?
  /// The precision; `nil` for every one.
  public var precision: String?
  /// The policy; `nil` for every one.
  public var policy: String?
  /// The share of right answers.
  public var value: Double
  /// Where it is from, benchmark included.
  public var source: String
}
