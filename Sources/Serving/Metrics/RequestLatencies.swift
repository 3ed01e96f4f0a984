// SPDX-License-Identifier: GPL-3.0-or-later

/// The latencies of requests that complete after the warm-up.
struct RequestLatencies {
  var timeToFirstToken = LatencyRecorder()
  var timePerOutputToken = LatencyRecorder()
  var interToken = LatencyRecorder()
  var endToEnd = LatencyRecorder()
  var queueing = LatencyRecorder()
  /// Requests that met every limit of the service level.
  private(set) var good = 0
  /// Records a completed request.
  mutating func record(_ sequence: SequenceState, limits: ServiceLevel) {
    let arrival = sequence.request.arrivalNanoseconds
    let firstToken = sequence.firstToken - arrival
    let endToEndTime = sequence.lastToken - arrival
    timeToFirstToken.record(firstToken)
    endToEnd.record(endToEndTime)
    queueing.record(sequence.scheduled - arrival)
    var perToken: UInt64?
    if sequence.produced > 1 {
      let value =
        (sequence.lastToken - sequence.firstToken) / UInt64(sequence.produced - 1)
      timePerOutputToken.record(value)
      perToken = value
    }
    let meets = { (value: UInt64?, limit: Double?) in
      guard let limit, let value else { return true }
      return Double(value) * 1e-6 <= limit
    }
    if meets(firstToken, limits.ttftMs) && meets(perToken, limits.tpotMs)
      && meets(endToEndTime, limits.e2elMs)
    {
      good += 1
    }
  }
}
