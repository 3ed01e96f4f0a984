// SPDX-License-Identifier: GPL-3.0-or-later

/// The users of a closed loop send nothing that could ever be served.
public struct NoRequestFits: Error, CustomStringConvertible, Sendable {
  /// Requests refused in a row after which a run gives up.
  static let limit = 1000

  /// The length of the last request, prompt and output [tokens].
  public var tokens: Int
  /// What the KV cache holds [bytes].
  public var keyValueBytes: Int64

  /// What was found and what would be right.
  public var description: String {
    let mebibytes = (Double(keyValueBytes) / 1_048_576).rounded()
    return "\(Self.limit) requests in a row were longer than the KV cache of \(Int(mebibytes)) MiB"
      + " holds, the last of \(tokens) tokens; give it more room (cache.kv) or send shorter requests"
  }
}
