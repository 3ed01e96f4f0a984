// SPDX-License-Identifier: GPL-3.0-or-later

/// A plan does not fit in a memory: by how much, and what would.
public struct DoesNotFit: Error, CustomStringConvertible, Sendable {
  /// The memory, "gpu0.hbm" or "host.dram".
  public var memory: String
  /// What it can hold [bytes].
  public var capacityBytes: Int64
  /// What was asked of it, by part [bytes].
  public var parts: [(name: String, bytes: Int64)]
  /// The nearest settings that fit, each a setting with the reason.
  public var suggestions: [String]

  /// What was asked of the memory in all [bytes].
  public var neededBytes: Int64 { parts.reduce(0) { $0 + $1.bytes } }

  /// A plan that does not fit.
  public init(
    memory: String, capacityBytes: Int64, parts: [(name: String, bytes: Int64)],
    suggestions: [String]
  ) {
    self.memory = memory
    self.capacityBytes = capacityBytes
    self.parts = parts
    self.suggestions = suggestions
  }

  /// The whole answer, over several lines.
  public var description: String {
    let gib = { (bytes: Int64) in
      "\((Double(bytes) / Double(1 << 30) * 100).rounded() / 100) GiB"
    }
    var text =
      "does not fit: \(memory) has \(gib(capacityBytes)), needed are \(gib(neededBytes)), "
    text +=
      neededBytes > capacityBytes
      ? "\(gib(neededBytes - capacityBytes)) too many"
      : "but the settings leave a part of it too little"
    for part in parts where part.bytes > 0 { text += "\n  \(part.name): \(gib(part.bytes))" }
    for suggestion in suggestions { text += "\n  would fit: \(suggestion)" }
    return text
  }
}
