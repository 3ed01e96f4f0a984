// SPDX-License-Identifier: GPL-3.0-or-later

/// At which of a device's peak rates arithmetic runs.
public enum ComputeClass: UInt8, CaseIterable, Hashable, Sendable, BitwiseCopyable {
  /// 32-bit floating point on ordinary units.
  case fp32
  /// 32-bit inputs rounded to 19 bits, on tensor units.
  case tf32
  /// 16-bit floating point (fp16 and bf16), on tensor units where there are some.
  case fp16
  /// 8-bit floating point.
  case fp8
  /// 8-bit integers.
  case int8
  /// 4-bit floating point (mxfp4, nvfp4) where the hardware multiplies in it.
  case fp4

  /// The name as profile files write it.
  public var name: String {
    switch self {
    case .fp32: "fp32"
    case .tf32: "tf32"
    case .fp16: "fp16"
    case .fp8: "fp8"
    case .int8: "int8"
    case .fp4: "fp4"
    }
  }

  /// The class named `name`, if there is one; "bf16" is `.fp16`.
  public init?(name: String) {
    if name == "bf16" {
      self = .fp16
      return
    }
    guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = found
  }

  /// What hardware without this class runs instead, after converting the weights; `nil` for the
  /// last resort, `fp32`.
  public var fallback: ComputeClass? {
    switch self {
    case .fp32: nil
    case .tf32, .fp16: .fp32
    case .fp8, .int8, .fp4: .fp16
    }
  }
}
