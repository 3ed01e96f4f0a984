// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Configuration
import Experiments
import Hardware
import KernelTiming
import ModelDescriptors
import Policies
import Reports
import Units

/// `moesim list`: the names that may stand in scenarios.
struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract:
      "List the hardware, runtimes, kernels, models, policies, traces or scenarios that are found.")

  /// What is listed.
  enum Kind: String, CaseIterable, ExpressibleByArgument {
    case hardware, runtimes, kernels, models, policies, traces, scenarios
  }

  @Argument(help: "hardware, runtimes, kernels, models, policies, traces or scenarios.")
  var kind: Kind

  @OptionGroup var options: ListingOptions

  func run() throws {
    try CommandFailure.guarded {
      let library = DataLibrary.standard
      let listing =
        switch kind {
        case .hardware: hardware()
        case .runtimes: runtimes()
        case .kernels: kernels(library)
        case .models: models()
        case .policies: policies(library)
        case .traces: traces(library)
        case .scenarios: scenarios(library)
        }
      try options.write(listing)
    }
  }

  private func hardware() -> Listing {
    var listing = Listing([
      ("name", "name", false, 0), ("gpus", "GPUs", false, 0),
      ("gpu_memory_bytes", "GPU memory", true, 0), ("dram_bytes", "DRAM", true, 1),
      ("summary", "summary", false, 0),
    ])
    let library = ProfileLibrary.standard()
    for name in library.machineNames {
      do {
        let machine = try library.machine(name)
        let gpus = machine.gpus.map(\.name)
        let memory = machine.gpus.reduce(0) { $0 + $1.memory.capacity.nominal }
        listing.append(
          [
            .text(name), .text(Self.counted(gpus)), .number(memory),
            .number(machine.dram.capacity.nominal), .text(machine.summary),
          ],
          texts: [
            2: gpus.isEmpty ? "" : Self.bytes(memory), 3: Self.bytes(machine.dram.capacity.nominal),
          ])
      } catch {
        listing.append([.text(name), .text(""), .null, .null, .text(Self.broken(error))])
      }
    }
    return listing
  }

  private func runtimes() -> Listing {
    var listing = Listing([("name", "name", false, 0), ("summary", "summary", false, 0)])
    let library = ProfileLibrary.standard()
    for name in library.runtimeNames {
      do {
        listing.append([.text(name), .text(try library.runtime(name).summary)])
      } catch {
        listing.append([.text(name), .text(Self.broken(error))])
      }
    }
    return listing
  }

  private func kernels(_ library: DataLibrary) -> Listing {
    var listing = Listing([("name", "name", false, 0), ("summary", "summary", false, 0)])
    for name in library.names(.kernels) {
      do {
        let set = try library.path(of: name, .kernels).map { try KernelSet.load(path: $0) }
        listing.append([.text(name), .text(set?.summary ?? "")])
      } catch {
        listing.append([.text(name), .text(Self.broken(error))])
      }
    }
    return listing
  }

  private func models() -> Listing {
    var listing = Listing([
      ("name", "name", false, 0), ("parameters", "parameters", true, 0),
      ("active_parameters", "active", true, 0), ("moe_layers", "MoE layers", true, 2),
      ("experts", "experts", true, 0), ("top_k", "top-k", true, 1), ("family", "family", false, 3),
    ])
    let library = ModelLibrary.standard()
    for name in library.names {
      do {
        let model = try library.model(named: name)
        let total = model.parameterCount
        let active = model.activeParameterCount(includingInputEmbedding: false)
        listing.append(
          [
            .text(name), .integer(total), .integer(active),
            .integer(Int64(model.mixtureLayers.count)), .integer(Int64(model.expertCount)),
            .integer(Int64(model.topK)), .text(model.family),
          ], texts: [1: Self.billions(total), 2: Self.billions(active)])
      } catch {
        listing.append(
          [.text(name), .null, .null, .null, .null, .null, .text(Self.broken(error))])
      }
    }
    return listing
  }

  private func policies(_ library: DataLibrary) -> Listing {
    var listing = Listing([
      ("role", "role", false, 0), ("name", "name", false, 0), ("summary", "summary", false, 0),
      ("parameters", "parameters", false, 1),
    ])
    func add(_ role: String, _ name: String, _ summary: String, _ parameters: String = "") {
      listing.append([.text(role), .text(name), .text(summary), .text(parameters)])
    }
    for name in library.names(.policy) {
      let node = library.path(of: name, .policy).flatMap { try? ConfigurationNode.load(path: $0) }
      add("preset", name, node?["summary"]?.scalar ?? "cannot be read; see 'moesim check'")
    }
    // The rules for host memory are those of the fastest memory.
    for (role, choices) in ScenarioRoleNames.all where role != "host_eviction" {
      for choice in choices {
        let parameters = choice.parameters.map { "\($0.name) (\($0.defaultText))" }
        add(role, choice.name, choice.summary, parameters.joined(separator: ", "))
      }
    }
    return listing
  }

  private func traces(_ library: DataLibrary) -> Listing {
    var listing = Listing([("kind", "kind", false, 0), ("name", "name", false, 0)])
    for name in library.names(.trace) {
      listing.append([.text(name.hasSuffix(".moesim") ? "routing" : "requests"), .text(name)])
    }
    for name in library.names(.routing) {
      listing.append([.text("routing generator"), .text(name)])
    }
    return listing
  }

  private func scenarios(_ library: DataLibrary) -> Listing {
    var listing = Listing([
      ("name", "name", false, 0), ("hardware", "hardware", false, 0), ("model", "model", false, 0),
      ("policy", "policy", false, 0),
    ])
    for name in library.names(.scenario) {
      do {
        let scenario = try Scenario.load(name, library: library)
        listing.append([
          .text(name), .text(scenario.hardware.label), .text(scenario.model.label),
          .text(scenario.policy.label),
        ])
      } catch {
        listing.append([.text(name), .text(Self.broken(error)), .text(""), .text("")])
      }
    }
    return listing
  }

  private static func broken(_ error: any Error) -> String {
    "cannot be read: " + ("\(error)".split(separator: "\n").first.map(String.init) ?? "")
  }

  private static func bytes(_ value: Double) -> String {
    QuantityFormat().string(value, .bytes)
  }

  private static func billions(_ count: Int64) -> String {
    QuantityFormat(significantDigits: 3).number(Double(count) / 1e9) + " B"
  }

  /// "2 × A, B" of A, A, B.
  private static func counted(_ names: [String]) -> String {
    var runs: [(name: String, count: Int)] = []
    for name in names {
      if runs.last?.name == name { runs[runs.count - 1].count += 1 } else { runs.append((name, 1)) }
    }
    return runs.map { $0.count == 1 ? $0.name : "\($0.count) x \($0.name)" }
      .joined(separator: ", ")
  }
}
