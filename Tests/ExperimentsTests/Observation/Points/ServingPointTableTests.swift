// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import TestSupport
import Testing

@testable import Experiments

/// Tables of measured serving points.
@Suite struct ServingPointTableTests {
  static let header =
    "id,silicon_data_source,backend,backend_version,model_path,system,precision,mode,isl,osl,"
    + "gemm_quant_mode,moe_quant_mode,tp_size,pp_size,attention_dp_size,moe_tp_size,moe_ep_size,"
    + "silicon_ttft_ms,silicon_tpot_ms"
  static let row =
    "a,dump; config_id=7; silicon_concurrency=64; measured=now,vllm,0.19.0,Org/Model,h100_sxm,fp8,"
    + "agg,1024,512,fp8,fp8,4,1,,1,4,120.5,9.25"

  static func read(_ lines: [String]) throws -> [ServingPoint] {
    try ServingPointTable.read(
      bytes: Array(lines.map { $0 + "\n" }.joined().utf8), file: "t.csv")
  }

  @Test func `A row is a point; empty fields are unknown`() throws {
    let point = try #require(try Self.read([Self.header, Self.row]).first)
    #expect(point.id == "a" && point.line == 2 && point.model == "Org/Model")
    #expect(point.concurrency == 64 && point.prompt == 1024 && point.output == 512)
    #expect(point.recorded == .init(tensor: 4, pipeline: 1, data: nil, expertTensor: 1, expert: 4))
    #expect(point.ttftMs == 120.5 && point.tpotMs == 9.25 && !point.isDisaggregated)
  }

  @Test func `Without a fact in the source the concurrency is unknown`() throws {
    let row = Self.row.replacing("silicon_concurrency=64; ", with: "")
    #expect(try Self.read([Self.header, row]).first?.concurrency == nil)
  }

  @Test(arguments: [
    (",agg,", ",both,", "mode"), (",1024,512,", ",0,512,", "isl"),
    (",1024,512,", ",1024,x,", "osl"), ("120.5", "-1", "silicon_ttft_ms"),
    ("9.25", "nan", "silicon_tpot_ms"), (",4,1,,1,4,", ",4.5,1,,1,4,", "tp_size"),
  ])
  func `Wrong fields are told with line, column and key`(
    found: String, replacement: String, key: String
  ) throws {
    let row = Self.row.replacing(found, with: replacement)
    let error = try #require(throws: Diagnostics.self) {
      try Self.read([Self.header, Self.row, row])
    }
    #expect(error.all.count == 1)
    #expect(error.all[0].path == key && error.all[0].location?.line == 3)
  }

  @Test(arguments: [
    ([String](), "is empty"), ([header.replacing("isl,", with: "")], "lacks the column isl"),
    ([header, "a,b"], "has 2 fields"),
  ])
  func `What is no such table is refused`(lines: [String], words: String) throws {
    let error = try #require(throws: Diagnostics.self) { try Self.read(lines) }
    #expect("\(error)".contains(words), "\(error)")
  }

  @Test(.enabled(if: SharedData.isPresent, "the recorded data are not beside the checkout"))
  func `The public sample is read whole`() throws {
    let path = try #require(SharedData.path("aiconfigurator/silicon_sample.csv"))
    let points = try ServingPointTable.read(path)
    #expect(points.count == 3_455)
    #expect(points.count(where: \.isDisaggregated) == 888)
    // Twelve rows do not say how many requests were under way.
    #expect(points.count { !$0.isDisaggregated && $0.concurrency == nil } == 12)
  }
}
