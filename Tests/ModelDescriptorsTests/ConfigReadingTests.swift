// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import TestSupport
import Testing
import Units

@testable import ModelDescriptors

/// Reading `config.json`: what it says when a file is wrong, and the formats it recognises.
@Suite struct ConfigReadingTests {
  static let mixtral = """
    {
      "model_type": "mixtral",
      "hidden_size": 4096,
      "num_hidden_layers": 32,
      "num_attention_heads": 32,
      "num_key_value_heads": 8,
      "vocab_size": 32000,
      "intermediate_size": 14336,
      "num_local_experts": 8,
      "num_experts_per_tok": 2,
      "torch_dtype": "bfloat16"
    }
    """

  static func read(_ text: String, side: String? = nil) throws -> ModelDescriptor {
    try ModelDescriptor.read(
      ConfigurationNode.parse(text, file: "config.json"), name: "test",
      side: side.map { try ConfigurationNode.parse($0, file: "side.yaml") })
  }

  /// The messages that reading `text` ends with.
  static func complaints(_ text: String, side: String? = nil) throws -> [String] {
    do {
      _ = try read(text, side: side)
      return []
    } catch let error as Diagnostics {
      return error.all.map(\.description)
    }
  }

  @Test func `A missing key names itself and the key meant`() throws {
    let text = Self.mixtral.replacing("num_hidden_layers", with: "num_hiden_layers")
    let complaint = try #require(try Self.complaints(text).first)
    #expect(complaint.contains("config.json:1:1"))
    #expect(complaint.contains("'num_hidden_layers' is missing"))
    #expect(complaint.contains("'num_hiden_layers'"))
  }

  @Test func `All that is wrong is said at once`() throws {
    let text = Self.mixtral.replacing("4096", with: "-1").replacing("32000", with: "\"many\"")
      .replacing("\"num_experts_per_tok\": 2", with: "\"num_experts_per_tok\": 9")
    let complaints = try Self.complaints(text)
    #expect(complaints.count == 3)
    #expect(complaints.contains { $0.contains("config.json:3:18: hidden_size: '-1' was found") })
    #expect(complaints.contains { $0.contains("vocab_size: 'many' was found; expected is") })
    #expect(complaints.contains { $0.contains("a whole number from 1 to 8") })
  }

  @Test func `An unknown architecture names the known ones`() throws {
    let text = Self.mixtral.replacing("\"mixtral\"", with: "\"mixtrall\"")
    let complaint = try #require(try Self.complaints(text).first)
    #expect(complaint.contains("config.json:2:"))
    #expect(complaint.contains("'mixtrall' is unknown"))
    for name in ["deepseek_v3", "gpt_oss", "qwen3_moe", "did you mean 'mixtral'?"] {
      #expect(complaint.contains(name))
    }
    let none = try #require(try Self.complaints("{\"hidden_size\": 5}").first)
    #expect(none.contains("'model_type' is missing"))
  }

  @Test func `Heads that do not divide into groups are refused`() throws {
    let text = Self.mixtral.replacing(
      "\"num_key_value_heads\": 8", with: "\"num_key_value_heads\": 5")
    #expect(try Self.complaints(text).contains { $0.contains("a divisor of the 32") })
  }

  @Test func `Dimensions beyond reason are refused`() throws {
    let text = Self.mixtral.replacing("14336", with: "1048576").replacing("4096", with: "1048576")
      .replacing("\"num_local_experts\": 8", with: "\"num_local_experts\": 65536")
    #expect(try Self.complaints(text).contains { $0.contains("more than 10^16 parameters") })
  }

  @Test func `A list that is no mapping is refused`() throws {
    #expect(try Self.complaints("[1, 2]").first?.contains("a mapping of keys") == true)
  }

  @Test func `Unneeded keys and null are no errors`() throws {
    let text = Self.mixtral.replacing(
      "\"vocab_size\"", with: "\"sliding_window\": null, \"anything\": [1, {}], \"vocab_size\"")
    #expect(try Self.read(text).parameterCount == 46_702_792_704)
  }

  @Test func `A wrong side file says where`() throws {
    let complaints = try Self.complaints(
      Self.mixtral, side: "name: x\nprecision: {expert: int4}\npublishd: 4")
    #expect(complaints.contains { $0.contains("side.yaml:2") && $0.contains("expert") })
    #expect(complaints.contains { $0.contains("side.yaml:3") && $0.contains("published") })
  }

  @Test func `A side file sets formats`() throws {
    let model = try Self.read(Self.mixtral, side: "precision: {experts: int4-g64, kv: fp8}")
    #expect(model.nativePrecision.experts.name == "int4-g64")
    #expect(model.nativePrecision.keyValue == .fp8)
    #expect(model.nativePrecision.attention == .bf16)
  }

  @Test(
    arguments: [
      (#"{"quant_method": "fp8", "weight_block_size": [128, 128]}"#, "fp8-128x128", "fp8-128x128"),
      (#"{"quant_method": "fp8"}"#, "fp8", "fp8"),
      (
        #"{"quant_method": "fp8", "modules_to_not_convert": ["model.layers.0.self_attn.o_proj"]}"#,
        "fp8", "bf16"
      ),
      (
        #"{"quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn"]}"#,
        "mxfp4", "bf16"
      ),
      (
        #"{"quant_method": "gptq", "bits": 4, "group_size": 128}"#, "int4-g128-sym", "int4-g128-sym"
      ),
      (#"{"quant_method": "awq", "bits": 4, "group_size": 64}"#, "int4-g64-zp", "int4-g64-zp"),
      (#"{"quant_method": "bitsandbytes", "load_in_8bit": true}"#, "int8", "int8"),
      (#"{"quant_method": "modelopt", "quant_algo": "NVFP4"}"#, "nvfp4", "nvfp4"),
      (
        #"{"quant_method": "compressed-tensors", "config_groups": {"group_0": {"targets": ["Linear"], "weights": {"num_bits": 4, "type": "int", "group_size": 32, "symmetric": true}}}, "ignore": ["re:.*self_attn.*"]}"#,
        "int4-g32-sym", "bf16"
      ),
    ])
  func `Quantisation is read`(config: String, experts: String, attention: String) throws {
    let text = Self.mixtral.replacing(
      "\"torch_dtype\"", with: "\"quantization_config\": \(config), \"torch_dtype\"")
    let plan = try Self.read(text).nativePrecision
    #expect(plan.experts.name == experts)
    #expect(plan.attention.name == attention)
    #expect(plan.router == .bf16)
    #expect(plan.embeddings == .bf16)
  }

  @Test func `An unknown quantisation names the known ones`() throws {
    let text = Self.mixtral.replacing(
      "\"torch_dtype\"", with: "\"quantization_config\": {\"quant_method\": \"x\"}, \"torch_dtype\""
    )
    #expect(try Self.complaints(text).contains { $0.contains("compressed-tensors") })
  }

  @Test func `A missing model names the closest`() {
    #expect {
      _ = try PublishedFiguresTests.library.model(named: "mixtral-8x8b")
    } throws: { error in
      (error as? MissingFile)?.description.contains("mixtral-8x7b") == true
    }
  }

  @Test func `A folder with a quantisation file is read`() throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "moesim-\(UUID().uuidString)/Tiny-NVFP4")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder.deletingLastPathComponent()) }
    try Self.mixtral.write(
      to: folder.appending(path: "config.json"), atomically: true, encoding: .utf8)
    try #"{"quantization": {"quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8"}}"#.write(
      to: folder.appending(path: "hf_quant_config.json"), atomically: true, encoding: .utf8)
    let model = try ModelLibrary(folders: []).model(named: folder.path)
    #expect(model.name == "Tiny-NVFP4")
    #expect(model.nativePrecision.experts == .nvfp4)
    #expect(model.nativePrecision.keyValue == .fp8)
  }
}
