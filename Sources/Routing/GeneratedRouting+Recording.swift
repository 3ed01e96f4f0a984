// SPDX-License-Identifier: GPL-3.0-or-later

extension GeneratedRouting {
  /// Writes sequences of output tokens, with gate weights, as a trace.
  ///
  /// - Parameters:
  ///   - lengths: the output tokens of each sequence; sequence n is that of request n.
  ///   - writer: an open writer of the same shape; the caller finishes it.
  /// - Throws: what the writer throws.
  public func record(lengths: [Int], to writer: RoutingTraceWriter) throws {
    var event = RoutingLayerEvent()
    event.phase = .decode
    event.tokens = 1
    for (key, length) in lengths.enumerated() {
      let slot = beginSequence(UInt64(key), promptTokens: 0, outputTokens: length)
      defer { endSequence(slot: slot) }
      event.sequence = key
      for position in 0..<length {
        event.step = position
        for layer in 0..<shape.layers {
          event.layer = layer
          decodeChoices(slot: slot, position: position, layer: layer, into: &event.experts)
          decodeWeights(slot: slot, position: position, layer: layer, into: &event.weights)
          try writer.append(event)
        }
      }
    }
  }
}
