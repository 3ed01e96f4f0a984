// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// Why a candidate is not simulated, or does not do.
public struct PlanExclusion: Sendable, Hashable {
  /// What excludes it.
  public enum Kind: Sendable, Hashable {
    /// Its parts do not go together.
    case notPossible
    /// A memory has no room.
    case memory
    /// A limit of the plan, by its key.
    case limit(String)
    /// A latency that no schedule can go below, by the objective's key.
    case latency(String)
    /// The load is more than it can carry.
    case load
    /// A simulation missed an objective, by its key.
    case objective(String)
    /// A simulation had no steady state.
    case unstable
    /// Running failed.
    case failed

    /// The kind by name.
    public var name: String {
      switch self {
      case .notPossible: "not possible"
      case .memory: "memory"
      case .limit(let key): "limits.\(key)"
      case .latency(let key): "bound of \(key)"
      case .load: "bound of the load"
      case .objective(let key): "slo.\(key)"
      case .unstable: "steady state"
      case .failed: "failed"
      }
    }
  }

  /// What excludes it.
  public var kind: Kind
  /// In words, where the numbers do not say it.
  public var reason: String
  /// What it needs or has.
  public var needed: Double
  /// What is allowed or there.
  public var allowed: Double
  /// The unit of both.
  public var unit: String

  /// By how much it is beyond, as a multiple.
  public var ratio: Double {
    allowed > 0 ? needed / allowed : needed > 0 ? .infinity : 1
  }

  /// The exclusion in words, with its numbers.
  public var sentence: String {
    guard needed.isFinite, !unit.isEmpty else { return "\(kind.name): \(reason)" }
    let numbers = "\(Self.text(needed)) \(unit) against \(Self.text(allowed)) \(unit)"
    return "\(kind.name): \(numbers)" + (reason.isEmpty ? "" : " (\(reason))")
  }

  private static func text(_ value: Double) -> String {
    let digits = abs(value) >= 1000 ? 0 : abs(value) >= 10 ? 1 : 3
    return QuantityFormat.fixed(value, decimals: digits)
  }
}
