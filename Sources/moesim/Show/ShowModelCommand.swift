// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import ModelDescriptors
import Records
import Reports
import Units

/// `moesim show model`: a model's dimensions, parameters and bytes.
struct ShowModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model", abstract: "Show a model's dimensions, parameters and bytes.")

  @Argument(help: "A name in models/, or a path of a config.json.")
  var name: String

  @OptionGroup var options: ListingOptions

  func run() throws {
    try CommandFailure.guarded {
      try options.write(Self.facts(of: try ModelDescriptor.named(name)))
    }
  }

  private static func facts(of model: ModelDescriptor) -> Facts {
    var facts = Facts()
    func add(_ key: String, _ value: ReportValue, _ text: String? = nil) {
      facts.add(key, value, text)
    }
    func count(_ key: String, _ value: Int) { add(key, .integer(Int64(value))) }
    func bytes(_ key: String, _ value: Double) {
      add(key, .number(value), QuantityFormat().string(value, .bytes))
    }
    func billions(_ key: String, _ value: Int64) {
      add(
        key, .integer(value),
        QuantityFormat(significantDigits: 4).number(Double(value) / 1e9) + " billion")
    }
    let plan = model.nativePrecision
    let size = model.bytes(under: plan)
    add("name", .text(model.name))
    add("family", .text(model.family))
    count("layers", model.layers.count)
    if !model.encoder.isEmpty { count("encoder_layers", model.encoder.count) }
    count("moe_layers", model.mixtureLayers.count)
    if !model.encoder.isEmpty { count("encoder_moe_layers", model.encoderMixtureLayers.count) }
    count("experts", model.expertCount)
    count("top_k", model.topK)
    count("hidden_size", model.hiddenSize)
    count("vocabulary_size", model.vocabularySize)
    billions("parameters", model.parameterCount)
    billions("active_parameters", model.activeParameterCount(includingInputEmbedding: false))
    if let published = model.notes.publishedTotalBillions {
      add("published_total_billions", .number(published))
    }
    if let published = model.notes.publishedActiveBillions {
      add("published_active_billions", .number(published))
    }
    add("expert_format", .text(plan.experts.name))
    add("attention_format", .text(plan.attention.name))
    bytes("expert_bytes", Double(size.perExpert))
    bytes("all_expert_bytes", Double(size.experts))
    bytes("other_bytes", Double(size.nonExpert))
    bytes("kv_bytes_per_token", model.keyValueBytesPerToken(under: plan))
    bytes("state_bytes_per_sequence", model.stateBytesPerSequence(under: plan))
    if let source = model.notes.dimensionsSource { add("dimensions_source", .text(source)) }
    if let source = model.notes.publishedSource { add("published_source", .text(source)) }
    if let remarks = model.notes.remarks { add("remarks", .text(remarks)) }
    return facts
  }
}
