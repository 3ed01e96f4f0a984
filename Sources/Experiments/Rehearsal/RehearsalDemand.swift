// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Foundation
import Residency
import Serving

/// What a rehearsal needs of a machine.
struct RehearsalDemand {
  /// Sequences at once.
  let sequences: Int
  /// Tokens of the longest sequence.
  let tokens: Int
  /// Rows of the largest step.
  let rows: Int
  private let model: RehearsalModel
  private let blocks: Int
  private let slots: Int
  private let buffers: Int
  private let inMemory: Bool
  private let simulatedSeconds: Double
  private let measuringSeconds: Double

  /// The rate at which files are assumed to be written and loaded [bytes/s], for estimates.
  private static let writingRate = 500e6

  init(
    model: RehearsalModel, layout: BlockLayout, slots: Int, log: DecisionCollector,
    simulatedSeconds: Double, options: RehearsalOptions
  ) {
    self.model = model
    self.slots = slots
    blocks = layout.expertBlockCount
    buffers = max(1, options.settings.buffers)
    inMemory = options.settings.source == .memory
    self.simulatedSeconds = simulatedSeconds
    // Eight kernels, of which the reads take longer, before and after.
    measuringSeconds = 2 * 10 * options.measuringSeconds
    var sequences = 1
    var tokens = 1
    var rows = 1
    for step in log.steps {
      sequences = max(sequences, step.sequences.count)
      rows = max(rows, step.tokens)
      for sequence in step.sequences { tokens = max(tokens, sequence.position + sequence.tokens) }
    }
    self.sequences = sequences
    self.tokens = tokens
    self.rows = rows
  }

  private var stride: Int64 { Int64(model.expertStride) }
  private var diskBytes: Int64 { Int64(blocks) * stride }

  private var memoryParts: [(name: String, bytes: Int64)] {
    var parts: [(name: String, bytes: Int64)] = [
      ("expert cache and staging buffers", Int64(slots + buffers) * stride),
      ("other weights", Int64(model.otherBytes)),
      ("keys and values", Int64(model.keyValueBytes(sequences: sequences, tokens: tokens))),
      ("activations", Int64(4 * rows * (8 * model.hidden + model.vocabulary + 4 * model.width))),
    ]
    if inMemory { parts.append(("experts behind the link", diskBytes)) }
    return parts
  }

  /// Refuses what a budget does not hold, with what would.
  ///
  /// - Throws: `DoesNotFit`.
  func check(against budget: RehearsalBudget, fileStands: Bool, perLayer: Bool) throws {
    if diskBytes > budget.disk {
      let layers = model.mixtureLayers
      let perLayerBytes = diskBytes / Int64(layers)
      let fitting = budget.disk / max(1, perLayerBytes)
      throw DoesNotFit(
        memory: "the budget of disk", capacityBytes: budget.disk,
        parts: [("file of experts", diskBytes)],
        suggestions: fitting >= 1
          ? [
            "a model of \(fitting) instead of \(layers) MoE layers",
            "--budget disk=\(gib(diskBytes))",
          ]
          : ["a model of fewer or smaller experts", "--budget disk=\(gib(diskBytes))"])
    }
    let memory = memoryParts
    let needed = memory.reduce(0) { $0 + $1.bytes }
    if needed > budget.memory {
      let pools = Int64(perLayer ? model.mixtureLayers : 1)
      let tooMany = (needed - budget.memory + stride - 1) / stride
      let left = (Int64(slots) - tooMany) / pools
      var suggestions = ["--budget memory=\(gib(needed))"]
      if left >= 1 {
        suggestions.insert(
          "cache.experts: \(left)\(perLayer ? " of each layer" : "") instead of"
            + " \(Int64(slots) / pools)", at: 0)
      } else {
        suggestions.insert("a model of fewer layers or a smaller vocabulary", at: 0)
      }
      throw DoesNotFit(
        memory: "the budget of memory", capacityBytes: budget.memory, parts: memory,
        suggestions: suggestions)
    }
    let writing = (fileStands ? 0 : 1) + (inMemory ? 1 : 0)
    let loading = Double(slots) * Double(stride) / Self.writingRate
    let around =
      Double(writing) * Double(diskBytes) / Self.writingRate + loading + measuringSeconds
    let seconds = around + simulatedSeconds
    guard seconds > budget.seconds else { return }
    let share = max(0, (budget.seconds - around) / max(1e-9, simulatedSeconds))
    throw RehearsalTooLong(
      seconds: seconds, simulated: simulatedSeconds, around: around, budget: budget.seconds,
      fittingShare: share)
  }

  private func gib(_ bytes: Int64) -> String {
    "\((Double(bytes) / Double(1 << 30) * 10).rounded(.up) / 10)GiB"
  }
}

/// A rehearsal that would take longer than its budget says.
public struct RehearsalTooLong: Error, CustomStringConvertible, Sendable {
  /// What it would take [s].
  public var seconds: Double
  /// What of it the steps would take, as simulated [s].
  public var simulated: Double
  /// What of it writing, loading and measuring would take [s].
  public var around: Double
  /// What it may take [s].
  public var budget: Double
  /// The share of the steps that would fit.
  public var fittingShare: Double

  /// What would take how long, and what would fit.
  public var description: String {
    let text = { (value: Double) in "\((value * 10).rounded() / 10) s" }
    var lines =
      "does not fit: the budget is \(text(budget)), needed are about \(text(seconds)): the steps"
      + " \(text(simulated)) by the simulation, writing, loading and measuring \(text(around))"
    if fittingShare > 0.01 {
      lines +=
        "\n  would fit: outputs of \(Int(fittingShare * 100)) % of the tokens (workload.lengths.output)"
    }
    lines += "\n  would fit: --budget seconds=\(Int(seconds.rounded(.up)))"
    return lines
  }
}
