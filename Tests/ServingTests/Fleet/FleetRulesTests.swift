// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import Serving

@Suite("Autoscaling")
struct AutoscalerTests {
  private typealias Seen = Autoscaler.Observation

  /// ceil(replicas × observed / wanted), the formula of the Horizontal Pod Autoscaler.
  @Test(
    "replicas follow observed over wanted", arguments: [0.05, 0.3, 0.55, 0.67, 0.9, 1.0], [2, 5, 9])
  func proportional(share: Double, ready: Int) {
    let rule = Autoscaler(
      metric: .batch, target: 0.6, minimum: 1, maximum: 12, scaleInCooldownSeconds: 0)
    let ratio = share / 0.6
    let wanted = abs(ratio - 1) <= 0.1 ? ready : Int((Double(ready) * ratio).rounded(.up))
    let change = rule.change(for: Seen(ready: ready, batchShare: share))
    #expect(change == min(12, max(1, wanted)) - ready)
    // The other shares are not looked at.
    let other = Seen(ready: ready, batchShare: share, keyValueShare: 0.99, waitingRequests: 500)
    #expect(rule.change(for: other) == change)
  }

  @Test("a queue is divided among replicas; those that start are there already")
  func queue() {
    let rule = Autoscaler(metric: .queue, target: 10, minimum: 2, maximum: 20)
    #expect(rule.change(for: Seen(ready: 4, waitingRequests: 95)) == 6)
    #expect(rule.change(for: Seen(ready: 4, starting: 6, waitingRequests: 95)) == 0)
    #expect(rule.change(for: Seen(ready: 4, starting: 6, waitingRequests: 140)) == 4)
    #expect(rule.change(for: Seen(ready: 4, waitingRequests: 1000)) == 16)
    // Nobody is sent away while others start.
    #expect(rule.change(for: Seen(ready: 4, starting: 6, waitingRequests: 0)) == 0)
  }

  @Test("changes wait for their cool-down, what is missing to the minimum does not")
  func cooldown() {
    let rule = Autoscaler(
      metric: .kv, target: 0.5, minimum: 2, maximum: 8, scaleOutCooldownSeconds: 30,
      scaleInCooldownSeconds: 300)
    let busy = { Seen(ready: 4, keyValueShare: 0.9, secondsSinceChange: $0) }
    #expect(rule.change(for: busy(29)) == 0 && rule.change(for: busy(30)) == 4)
    let idle = { Seen(ready: 4, keyValueShare: 0.1, secondsSinceChange: $0) }
    #expect(rule.change(for: idle(299)) == 0 && rule.change(for: idle(300)) == -2)
    #expect(rule.change(for: idle(nil)) == -2)
    #expect(rule.change(for: Seen(ready: 0, secondsSinceChange: 0)) == 2)
    #expect(rule.change(for: Seen(ready: 10, secondsSinceChange: 0)) == -2)
  }
}

@Suite("The gateway and repetitions")
struct GatewayTests {
  @Test("a lognormal latency has its mean and median, and each request its own")
  func latency() {
    let settings = GatewaySettings(latency: .lognormal(mean: 0.03, median: 0.02))
    let gateway = Gateway(settings, seed: 1, replication: 0)
    let drawn = (0..<20_000 as Range<UInt64>).map { gateway.latency(ofRequest: $0).seconds }
    let sorted = drawn.sorted()
    // σ² = 2 ln 1.5: the mean's deviation is 0.03·√(e^σ² − 1)/√n, the median's 0.02·1.2533·σ/√n.
    let root = 20_000.0.squareRoot()
    #expect(abs(drawn.reduce(0, +) / 20_000 - 0.03) < 4 * 0.03 * (2.25 - 1.0).squareRoot() / root)
    #expect(abs(sorted[10_000] - 0.02) < 4 * 0.02 * 1.2533 * 0.9005 / root)
    #expect(abs(settings.latency.mean - 0.03) < 1e-12)
    #expect(gateway.latency(ofRequest: 77).seconds == drawn[77])
    let constant = Gateway(GatewaySettings(latency: .constant(0.002)), seed: 1, replication: 0)
    #expect(constant.latency(ofRequest: 3).nanoseconds == 2_000_000)
  }

  @Test("no more are let in than there is room for")
  func concurrency() {
    var gateway = Gateway(GatewaySettings(concurrency: 2), seed: 1, replication: 0)
    let entered = (gateway.enter(), gateway.enter(), gateway.enter())
    #expect(entered == (true, true, false) && !gateway.hasRoom)
    gateway.leave()
    #expect(gateway.hasRoom)
    let again = gateway.enter()
    #expect(again && gateway.inFlight == 2 && gateway.highWater == 2)
    var open = Gateway(GatewaySettings(), seed: 1, replication: 0)
    for _ in 0..<1000 {
      let entered = open.enter()
      #expect(entered)
    }
    #expect(open.highWater == 1000)
  }

  @Test("a request is sent again so often, each time later, and then lost")
  func retries() {
    let policy = RetryPolicy(attempts: 3, delaySeconds: 0.5, backoff: 2)
    #expect((1...4).map { policy.delay(afterFailure: $0)?.seconds } == [0.5, 1, 2, nil])
    #expect(RetryPolicy(attempts: 0).delay(afterFailure: 1) == nil)
    #expect(RetryPolicy(attempts: 9).delay(afterFailure: 9)?.seconds == 0)
  }
}
