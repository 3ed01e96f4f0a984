// SPDX-License-Identifier: GPL-3.0-or-later

extension BatchScheduler {
  /// Tokens drafted for each verification; 0 where none are.
  var drafts: Int { acceptance?.draftTokens ?? 0 }

  /// Takes what a verification gave to a sequence whose step has ended: its leading accepted tokens and
  /// one more, up to its end. Keys and values of the others are given back.
  ///
  /// - Parameter sequence: The sequence before the step counts as computed; to be stored by the caller,
  ///   with the output tokens added that it gets.
  /// - Returns: the output tokens that it gets.
  mutating func verify(_ sequence: inout SequenceState) -> Int {
    let accepted = acceptance!.verify(
      request: sequence.request.number, output: sequence.produced)
    let gained = min(1 + accepted, Int(sequence.request.outputTokens) - sequence.produced)
    sequence.computed += gained
    let held = min(
      sequence.keyValueBytes, keyValue.bytes(tokens: sequence.computed - sequence.shared))
    keyValue.release(sequence.keyValueBytes - held)
    sequence.keyValueBytes = held
    return gained
  }
}
