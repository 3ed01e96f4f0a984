// SPDX-License-Identifier: GPL-3.0-or-later

import CComputeLibraries

/// The format of weights in products that run on a processor.
public enum ComputePrecision: String, CaseIterable, Codable, Sendable {
  /// 32-bit values, by OpenBLAS.
  case float32 = "fp32"
  /// 16-bit values with the exponent of 32-bit ones, summed in 32 bits, by oneDNN.
  case bfloat16 = "bf16"
  /// Signed bytes for weights and unsigned ones for activations, summed in 32 bits, by oneDNN.
  case int8

  /// Bytes of a weight.
  public var weightBytes: Int {
    switch self {
    case .float32: 4
    case .bfloat16: 2
    case .int8: 1
    }
  }

  /// Bytes of an activation that enters a product.
  public var inputBytes: Int { weightBytes }

  var library: ccl_precision {
    switch self {
    case .float32: CCL_FLOAT32
    case .bfloat16: CCL_BFLOAT16
    case .int8: CCL_INT8
    }
  }

  /// The precisions that a processor multiplies with instructions of its own.
  ///
  /// - Parameter flags: The flags of `/proc/cpuinfo`.
  public static func native(flags: Set<String>) -> [ComputePrecision] {
    var precisions = [ComputePrecision.float32]
    if !flags.isDisjoint(with: ["avx512_bf16", "amx_bf16", "bf16"]) {
      precisions.append(.bfloat16)
    }
    if !flags.isDisjoint(with: ["avx512_vnni", "avx_vnni", "amx_int8", "i8mm", "asimddp"]) {
      precisions.append(.int8)
    }
    return precisions
  }
}
