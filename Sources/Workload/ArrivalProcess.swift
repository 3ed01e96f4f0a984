// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams

/// When requests are sent.
public enum ArrivalProcess: Hashable, Sendable {
  /// Independent users without memory: exponential gaps at this many requests per second.
  case poisson(rate: Double)
  /// Gamma-distributed gaps with this shape: 1 is Poisson, less is burstier, more is steadier. The
  /// coefficient of variation of the gaps is 1/√burstiness. This is the burstiness of vLLM's
  /// serving benchmark.
  case gamma(rate: Double, burstiness: Double)
  /// Equal gaps.
  case constant(rate: Double)
  /// All requests at the start.
  case allAtOnce
  /// A number of users, each with one request at a time, who think between answer and request.
  case closedLoop(users: Int, think: ThinkTime)

  /// How long a closed-loop user thinks.
  public enum ThinkTime: Hashable, Sendable {
    /// Always this many seconds.
    case constant(Double)
    /// Exponentially distributed, with this mean in seconds.
    case exponential(mean: Double)
  }

  /// Whether requests follow the completion of earlier ones.
  public var isClosedLoop: Bool {
    if case .closedLoop = self { true } else { false }
  }

  /// Requests per second on average, or `nil` where that depends on how fast they are served.
  public var rate: Double? {
    switch self {
    case .poisson(let rate), .gamma(let rate, _), .constant(let rate): rate
    case .allAtOnce, .closedLoop: nil
    }
  }

  /// The seconds between the last request of an open process and its next.
  func gap(from stream: inout RandomStream) -> Double {
    switch self {
    case .poisson(let rate): stream.exponential(mean: 1 / rate)
    case .gamma(let rate, let burstiness):
      stream.gamma(shape: burstiness, scale: 1 / (rate * burstiness))
    case .constant(let rate): 1 / rate
    case .allAtOnce: 0
    case .closedLoop: preconditionFailure("a closed loop has no gaps between its requests")
    }
  }
}

extension ArrivalProcess.ThinkTime {
  /// One thinking time, in seconds.
  func draw(from stream: inout RandomStream) -> Double {
    switch self {
    case .constant(let seconds): seconds
    case .exponential(let mean): mean == 0 ? 0 : stream.exponential(mean: mean)
    }
  }
}
