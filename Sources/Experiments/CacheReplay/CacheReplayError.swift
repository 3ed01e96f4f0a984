// SPDX-License-Identifier: GPL-3.0-or-later

/// Why a cache replay can not be run.
public enum CacheReplayError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A capacity that makes no sense: what was given, and what would be right.
  case capacity(String, String)
  /// No eviction rule or no capacity was given.
  case nothingToDo
  /// The trace says that an expert takes no bytes, or fewer.
  case expertBytes(layer: Int, bytes: Int64)

  /// What was found and what would be right.
  public var description: String {
    switch self {
    case .capacity(let text, let problem): "capacity '\(text)': \(problem)"
    case .nothingToDo: "a cache replay needs at least one eviction rule and one capacity"
    case .expertBytes(let layer, let bytes):
      "an expert of layer \(layer) takes \(bytes) bytes; a positive number is expected"
    }
  }
}
