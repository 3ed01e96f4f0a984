// SPDX-License-Identifier: GPL-3.0-or-later

import Routing
import Synchronization

/// What the gates of one routing chose in the draws of an `ExpertLoadTable`, kept so that runs with the same
/// routing need not draw again.
///
/// A draw depends on the routing and on how many tokens are drawn, of which kind; neither on where experts
/// lie nor on how long they take. Runs that differ in all else may share one. Whoever shares it answers for
/// the routing: its parameters, seed and replication must be the same. A shared draw gives the same bytes
/// as a fresh one.
public final class ExpertDraws: Sendable {
  /// What was asked.
  struct Key: Hashable {
    var shape: RoutingShape
    var tokens: Int
    var isPrompt: Bool
    /// The first sequence that is drawn.
    var firstSequence: UInt64
  }

  /// What some layers' gates chose, layer after layer.
  struct Draw: Sendable {
    /// The layers.
    var layers: [Int32] = []
    /// Where a layer's experts begin; one more than there are layers.
    var starts: [Int32] = [0]
    /// The experts that at least one token chose, in order of first record.
    var experts: [Int32] = []
    /// The tokens that chose each.
    var tokens: [Int32] = []
    /// The first sequence that was not drawn.
    var nextSequence: UInt64 = 0

    /// Adds what a layer's gate chose.
    mutating func append(layer: Int, _ activation: LayerActivation) {
      layers.append(Int32(layer))
      for expert in activation.distinct {
        experts.append(expert)
        tokens.append(activation.tokensPerExpert[Int(expert)])
      }
      starts.append(Int32(experts.count))
    }
  }

  private let known = Mutex<[Key: Draw]>([:])

  /// Nothing drawn yet.
  public init() {}

  /// Draws that are kept.
  public var count: Int { known.withLock { $0.count } }

  /// A draw, made where it is not known.
  ///
  /// - Throws: What `make` throws.
  func draw(_ key: Key, make: () throws -> Draw) rethrows -> Draw {
    if let draw = known.withLock({ $0[key] }) { return draw }
    // Made outside of the lock: two that make the same draw at once make equal ones.
    let draw = try make()
    known.withLock { $0[key] = draw }
    return draw
  }
}
