// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Units

@Suite struct NumberFormatTests {
  /// Block sizes in bytes from the formats' own definitions (ggml-common.h, OCP MX v1.0).
  @Test(
    arguments: [
      ("q4_0", 32, 18), ("q4_1", 32, 20), ("q5_0", 32, 22), ("q8_0", 32, 34), ("q2_k", 256, 84),
      ("q3_k", 256, 110), ("q4_k", 256, 144), ("q5_k", 256, 176), ("q6_k", 256, 210),
      ("iq2_xxs", 256, 66), ("iq1_s", 256, 50), ("mxfp4", 32, 17), ("nvfp4", 16, 9),
      ("fp8-128x128", 16_384, 16_388), ("int4-g64", 64, 36), ("int4-g128-sym", 128, 66),
      ("bf16", 3, 6), ("fp32", 5, 20), ("int4", 3, 2), ("int3", 8, 3), ("int2-g16", 16, 8),
      ("int3-b3.85", 100, 49),
    ] as [(String, Int, Int64)])
  func blocksHaveTheirBytes(name: String, elements: Int, bytes: Int64) throws {
    let format = try NumberFormat(parsing: name)
    #expect(format.bytes(elements: elements) == bytes)
    #expect(format.name == name)
  }

  @Test(
    arguments: [
      ("mxfp4", 4.25), ("nvfp4", 4.5), ("q4_k", 4.5), ("int4-g64", 4.5), ("int4-g128-zp", 4.15625),
      ("int2-g16-meta8", 3.015625), ("int3-b3.85", 3.85), ("int2-b3.11", 3.11),
      ("fp8-128x128", 8 + 32 / 16_384.0), ("bf16", 16),
    ] as [(String, Double)])
  func bitsPerWeight(name: String, bits: Double) throws {
    #expect(try NumberFormat(parsing: name).bitsPerWeight == bits)
  }

  @Test func startedBlocksHaveScales() throws {
    #expect(try NumberFormat(parsing: "int4-g64").bytes(elements: 65) == 41)  // 32.5 + 8
    #expect(NumberFormat.bf16.bytes(elements: 0) == 0)
  }

  @Test(arguments: [
    "", "int", "int4-g0", "int4-g", "int4-g64-xyz", "q4_k-g64", "fp8-128", "fp8-0x128",
    "int4-g99999",
    "int4-g64-", "bf16-g64-sym-sym", "int3-b", "int3-b0", "int3-b65", "int3-b-3", "int3-bnan",
    "q4_k-b4.5", "int3-b3.85-sym",
  ])
  func refuses(name: String) {
    #expect(throws: NumberFormatError.self) { try NumberFormat(parsing: name) }
  }

  @Test(
    arguments: [
      ("int4-g64", .fp16), ("int8", .int8), ("mxfp4", .fp4), ("fp8-128x128", .fp8),
      ("q8_0", .fp16), ("bfloat16", .fp16), ("float32", .fp32),
    ] as [(String, ComputeClass)])
  func runsAtAPeak(name: String, computeClass: ComputeClass) throws {
    #expect(try NumberFormat(parsing: name).computeClass == computeClass)
  }

  @Test func everyNameIsReadBack() throws {
    for element in NumberFormat.Element.allCases {
      let plain = NumberFormat(element)
      #expect(try NumberFormat(parsing: plain.name) == plain)
      guard plain.blockElements == 1 else { continue }
      for metadata in NumberFormat.Metadata.allCases
      where metadata != .intrinsic && metadata != .stated {
        let rows: UInt16 = metadata == .blockScale ? 64 : 1
        let format = NumberFormat(element, rows: rows, columns: 64, metadata: metadata)
        #expect(try NumberFormat(parsing: format.name) == format)
      }
    }
  }
}
