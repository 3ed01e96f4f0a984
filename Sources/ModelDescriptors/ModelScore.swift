// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Units

/// A published score of a model in one precision: an input of a simulation, never computed.
public struct ModelScore: Hashable, Sendable {
  /// The score, as its source has it.
  public var score: Double
  /// What was measured: data set and measure.
  public var metric: String
  /// The format of the experts, such as bf16, or in words what was scored.
  public var precision: String
  /// Where the score stands.
  public var source: String

  /// A score.
  public init(score: Double, metric: String, precision: String, source: String) {
    self.score = score
    self.metric = metric
    self.precision = precision
    self.source = source
  }

  /// Reads the list at `key`: `[{score: 0.911, metric: …, precision: bf16, source: …}]`; every key is
  /// required.
  ///
  /// What is wrong is reported to the reader's collector.
  public static func list(_ reader: MappingReader, _ key: String) -> [ModelScore] {
    reader.sequence(key).map { node in
      let entry = MappingReader(node, into: reader.collector)
      defer { entry.finish() }
      return ModelScore(
        score: entry.requiredQuantity("score", .count, in: 0...1e6),
        metric: entry.requiredString("metric"), precision: entry.requiredString("precision"),
        source: entry.requiredString("source"))
    }
  }
}
