// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Calibration

@Suite struct ComputeLibraryTests {
  @Test("An absent library is told of with the package that has it")
  func namesThePackage() {
    for (precision, package) in [
      (ComputePrecision.float32, "libopenblas0"), (.bfloat16, "libdnnl2"),
    ] {
      let error = #expect(throws: ComputeError.self) {
        try ComputeLibrary(precision: precision, threads: 1, names: ["libabsent-of-moesim.so"])
      }
      #expect(error?.description.contains(package) == true)
      #expect(error?.description.contains("libabsent-of-moesim.so") == true)
    }
  }

  @Test("A library of another kind is refused")
  func refusesOthers() {
    for precision in [ComputePrecision.float32, .int8] {
      let error = #expect(throws: ComputeError.self) {
        try ComputeLibrary(precision: precision, threads: 1, names: ["libc.so.6"])
      }
      #expect(error?.description.contains("is not") == true)
    }
  }

  @Test("The precisions of a processor follow its flags")
  func readsFlags() {
    #expect(ComputePrecision.native(flags: ["avx2"]) == [.float32])
    #expect(
      ComputePrecision.native(flags: ["avx512_bf16", "avx512_vnni"])
        == [.float32, .bfloat16, .int8])
  }

  @Test("Products of bytes are exact")
  func multipliesBytesExactly() throws {
    guard Present.has(.int8) else {
      print("skipped: no oneDNN")
      return
    }
    let (rows, columns, depth) = (5, 70, 96)
    let library = try ComputeLibrary(precision: .int8, threads: 2)
    let input = (0..<rows * depth).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
    let weights = (0..<columns * depth).map { Int8(truncatingIfNeeded: $0 &* 91 &+ 5) }
    let one = try MatrixProduct(library, rows: 1, columns: columns, depth: depth)
    let product = try MatrixProduct(
      library, rows: rows, columns: columns, depth: depth, packing: one)
    let packed = try LockableMemory(bytes: product.weightBytes)
    try one.pack(weights, into: packed.base)
    var sums = [Int32](repeating: 0, count: rows * columns)
    try product.run(input: input, weights: packed.base, output: &sums)
    for row in 0..<rows {
      for column in 0..<columns {
        let expected = (0..<depth).reduce(Int32(0)) {
          $0 + Int32(input[row * depth + $1]) * Int32(weights[column * depth + $1])
        }
        #expect(sums[row * columns + column] == expected)
      }
    }
  }
}
