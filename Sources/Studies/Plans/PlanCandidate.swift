// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Experiments

/// One way to serve the traffic: a choice for each part.
struct PlanCandidate: Sendable {
  /// The number among all candidates, in the order of the plan.
  var number: Int
  var model: PlanChoice
  var machine: PlanMachine
  var replicas: Int
  var parallelism: PlanChoice
  var policy: PlanChoice
  var precision: PlanChoice
  var cache: PlanChoice
  var runtime: PlanChoice

  /// The choices by name, those without an alternative left out where the plan is given.
  var choices: PlanChoices {
    PlanChoices(
      model: model.label, hardware: machine.choice.label, replicas: replicas,
      parallelism: parallelism.label, policy: policy.label, precision: precision.label,
      cache: cache.label, runtime: runtime.label)
  }
}

/// The choices of a candidate by name.
public struct PlanChoices: Codable, Sendable, Hashable {
  /// The model.
  public var model: String
  /// The machine.
  public var hardware: String
  /// Replicas.
  public var replicas: Int
  /// How a replica is spread over GPUs.
  public var parallelism: String
  /// The policy.
  public var policy: String
  /// The formats of tensors.
  public var precision: String
  /// How memories are divided.
  public var cache: String
  /// The software.
  public var runtime: String

  /// The choices that have alternatives in a plan, on one line.
  func label(among axes: PlanAxes) -> String {
    var words = [hardware]
    if axes.models.count > 1 { words.insert(model, at: 0) }
    if replicas > 1 || axes.replicas.count > 1 { words.append("x \(replicas)") }
    for (own, count) in [
      (parallelism, axes.parallelism.count), (policy, axes.policies.count),
      (precision, axes.precisions.count), (cache, axes.caches.count),
      (runtime, axes.runtimes.count),
    ] where count > 1 { words.append("| " + own) }
    return words.joined(separator: " ")
  }
}

extension PlanFile {
  /// All candidates, in the order of the plan: the last part varies fastest.
  var candidates: [PlanCandidate] {
    var all: [PlanCandidate] = []
    all.reserveCapacity(axes.count)
    for model in axes.models {
      for machine in axes.machines {
        for replicas in axes.replicas {
          for parallelism in axes.parallelism {
            for policy in axes.policies {
              for precision in axes.precisions {
                for cache in axes.caches {
                  for runtime in axes.runtimes {
                    all.append(
                      PlanCandidate(
                        number: all.count, model: model, machine: machine, replicas: replicas,
                        parallelism: parallelism, policy: policy, precision: precision,
                        cache: cache, runtime: runtime))
                  }
                }
              }
            }
          }
        }
      }
    }
    return all
  }

  /// The scenario that a candidate is.
  ///
  /// - Throws: `MissingFile`, `Diagnostics`, with the keys as the plan writes them.
  func scenario(of candidate: PlanCandidate, library: DataLibrary) throws -> Scenario {
    do {
      var scenario = try Scenario.read(
        try tree(of: candidate), file: file, library: library)
      scenario.name = "\(name) #\(candidate.number + 1)"
      return scenario
    } catch let error as Diagnostics {
      throw Diagnostics(error.all.map(renamed))
    } catch let error as Diagnostic {
      throw renamed(error)
    }
  }

  /// The tree of a candidate's scenario.
  private func tree(of candidate: PlanCandidate) throws(Diagnostic) -> ConfigurationNode {
    let origin = "plan"
    func scalar(_ text: String) -> ConfigurationNode {
      ConfigurationNode(.scalar(text, quoted: false), location: SourceLocation(origin: origin))
    }
    var tree = base
    for (key, choice) in [
      ("model", candidate.model), ("hardware", candidate.machine.choice),
      ("policy", candidate.policy), ("precision", candidate.precision),
      ("cache", candidate.cache), ("runtime", candidate.runtime),
      ("serving.parallelism", candidate.parallelism),
    ] {
      guard let node = choice.node else { continue }
      let merged =
        key == "cache" || key == "precision" ? tree[key].map { $0.merging(node) } ?? node : node
      tree = try tree.setting(key, to: merged, origin: origin)
    }
    for (key, value) in [
      ("serving.replicas", "\(candidate.replicas)"), ("run.seed", "\(search.seed)"),
      ("run.replications", "1"), ("run.improvements", "false"),
      ("workload.requests", "\(search.requests)"),
    ] {
      tree = try tree.setting(key, to: scalar(value), origin: origin)
    }
    return tree
  }

  /// A problem with the key where a plan has it.
  private func renamed(_ problem: Diagnostic) -> Diagnostic {
    func place(_ key: String, _ choices: [PlanChoice]) -> String {
      (choices.contains { $0.node != nil } ? "candidates." : "base.") + key
    }
    let lengths = hasShortTraffic ? "traffic." : "traffic.lengths."
    let arrivals = hasShortTraffic ? "traffic." : "traffic.arrivals."
    var problem = problem
    for (scenario, plan) in [
      ("workload.arrivals.", arrivals), ("workload.lengths.", lengths), ("workload", "traffic"),
      ("serving.parallelism", place("parallelism", axes.parallelism)),
      ("serving.replicas", "candidates.replicas"), ("serving", "base.serving"),
      ("hardware", "candidates.hardware"), ("model", "models"),
      ("policy", place("policy", axes.policies)),
      ("precision", place("precision", axes.precisions)), ("cache", place("cache", axes.caches)),
      ("runtime", place("runtime", axes.runtimes)), ("run", "base.run"), ("fleet", "base.fleet"),
      ("routing", "base.routing"), ("cost", "base.cost"),
    ] where problem.path.hasPrefix(scenario) {
      problem.path = plan + problem.path.dropFirst(scenario.count)
      break
    }
    return problem
  }

  /// Reads each choice once, beside the first of every other part.
  ///
  /// - Throws: `MissingFile`, `Diagnostics` where a choice is wrong in itself.
  func tryChoices(library: DataLibrary) throws {
    let all = candidates
    guard let first = all.first else { return }
    let counts = [
      axes.models.count, axes.machines.count, axes.replicas.count, axes.parallelism.count,
      axes.policies.count, axes.precisions.count, axes.caches.count, axes.runtimes.count,
    ]
    var numbers = [first.number]
    var stride = 1
    for count in counts.reversed() {
      numbers += (1..<max(1, count)).map { $0 * stride }
      stride *= count
    }
    let collector = DiagnosticCollector()
    for number in numbers {
      do {
        _ = try scenario(of: all[number], library: library)
      } catch let error as Diagnostics {
        for problem in error.all where !collector.all.contains(problem) {
          collector.report(problem)
        }
      }
    }
    try collector.throwIfAny()
  }
}
