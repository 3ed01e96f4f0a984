// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Names of devices and number formats of other tools in our words.
enum ImportedNames {
  /// The name of the part (hardware-profiles/parts/gpu) that a short name in a path means.
  ///
  /// Longer names come first, since "h100" begins "h100_sxm".
  private static let devices: [(short: String, name: String)] = [
    ("rtx_pro_6000_server", "NVIDIA RTX PRO 6000 Blackwell Server Edition"),
    ("rtx_pro_6000", "NVIDIA RTX PRO 6000 Blackwell"),
    ("rtxpro6000", "NVIDIA RTX PRO 6000 Blackwell Server Edition"),
    ("gb200", "NVIDIA GB200"),
    ("b200_sxm", "NVIDIA B200 SXM"),
    ("h200_sxm", "NVIDIA H200 141 GB SXM"),
    ("h100_pcie", "NVIDIA H100 80 GB PCIe"),
    ("h100_sxm", "NVIDIA H100 80 GB SXM"),
    ("a100_pcie", "NVIDIA A100 80 GB PCIe"),
    ("a100_sxm", "NVIDIA A100 80 GB SXM"),
    ("a100_dgx", "NVIDIA A100 80 GB SXM"),
    ("l40s", "NVIDIA L40S"),
    ("h100", "NVIDIA H100"),
    ("a100", "NVIDIA A100"),
    ("h800", "NVIDIA H800 80 GB SXM"),
    ("a800", "NVIDIA A800"),
    ("h200", "NVIDIA H200 141 GB SXM"),
    ("h20", "NVIDIA H20"),
    ("l20", "NVIDIA L20"),
    ("l4", "NVIDIA L4"),
  ]

  /// The device that the last two parts of a path name, or `nil`.
  static func device(in path: String) -> String? {
    let parts = path.split(separator: "/").suffix(2).reversed()
    for part in parts {
      let words = part.lowercased().replacingOccurrences(of: "-", with: "_")
      let padded = "_\(words)_".replacingOccurrences(of: ".", with: "_")
      for (short, name) in devices where padded.contains("_\(short)_") { return name }
    }
    return nil
  }

  private static let precisions: [(theirs: String, ours: String)] = [
    ("bfloat16", "bf16"), ("bf16", "bf16"), ("float16", "fp16"), ("half", "fp16"),
    ("fp16", "fp16"), ("float32", "fp32"), ("fp32", "fp32"), ("fp8", "fp8"),
    ("fp8_block", "fp8-128x128"), ("fp8_e4m3", "fp8"), ("int8", "int8"), ("int4", "int4"),
    ("int4_wo", "int4"), ("w4a16_mxfp4", "mxfp4"), ("mxfp4", "mxfp4"), ("nvfp4", "nvfp4"),
    ("w4afp8", "int4"), ("w4a8_mxfp4_mxfp8", "mxfp4"), ("int8_wo", "int8"),
  ]

  /// Our word for a number format, or `nil`.
  static func precision(_ text: String) -> String? {
    let wanted = text.lowercased()
    return precisions.first { $0.theirs == wanted }?.ours
  }

  /// The number formats that are understood, for errors.
  static var knownPrecisions: String { precisions.map(\.theirs).joined(separator: ", ") }

  /// The bytes of one value of a number format in our words, where they are whole.
  static func bytes(of precision: String) -> Int? {
    switch precision {
    case "fp32": 4
    case "bf16", "fp16": 2
    case "fp8", "int8": 1
    default: nil
    }
  }
}
