// SPDX-License-Identifier: GPL-3.0-or-later

import Workload

/// The requests of a plan as bounds look at them: a sample from the front of the workload.
struct PlanTraffic: Sendable {
  /// Lengths of prompts and outputs [tokens], request by request.
  let lengths: [(prompt: Double, output: Double)]
  /// Requests per second; `nil` where users wait for answers, or all arrive at once.
  let offered: Double?

  private static let most = 4096

  /// Reads the front of a workload.
  ///
  /// - Throws: What opening and reading it throw.
  init(_ workload: WorkloadDescription, requests: Int, seed: UInt64) throws {
    var workload = workload
    workload.requests = requests
    var source = try workload.open(seed: seed)
    var lengths: [(prompt: Double, output: Double)] = []
    var first: Request?
    var last: Request?
    while lengths.count < min(Self.most, requests) {
      let request =
        source.isClosedLoop
        ? try source.next(user: lengths.count % source.userCount, afterNanoseconds: 0)
        : try source.next()
      guard let request else { break }
      lengths.append((Double(request.promptTokens), Double(request.outputTokens)))
      if first == nil { first = request }
      last = request
    }
    self.lengths = lengths
    if !source.isClosedLoop, let first, let last {
      let span = last.arrivalSeconds - first.arrivalSeconds
      offered = span > 0 ? Double(lengths.count - 1) / span : nil
    } else {
      offered = nil
    }
  }

  /// The mean of a figure of requests; 0 without requests.
  func mean(_ figure: (_ prompt: Double, _ output: Double) -> Double) -> Double {
    guard !lengths.isEmpty else { return 0 }
    return lengths.reduce(0) { $0 + figure($1.prompt, $1.output) } / Double(lengths.count)
  }

  /// The value of a figure below which a share of the requests is; 0 without requests.
  func quantile(_ share: Double, _ figure: (_ prompt: Double, _ output: Double) -> Double)
    -> Double
  {
    let sorted = lengths.map { figure($0.prompt, $0.output) }.sorted()
    guard !sorted.isEmpty else { return 0 }
    return sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
  }
}
