// SPDX-License-Identifier: GPL-3.0-or-later

extension ReplicaCosts.StageTimes {
  /// The times where kernels take so many times as long, and collectives.
  func slowed(kernels: Double, links: Double) -> Self {
    guard kernels != 1 || links != 1 else { return self }
    var times = self
    times.attention *= kernels
    times.dense *= kernels
    times.gate *= kernels
    times.shared *= kernels
    times.experts *= kernels
    times.ends *= kernels
    times.draft *= kernels
    times.collectives *= links
    return times
  }

  mutating func add(_ other: Self) {
    attention += other.attention
    dense += other.dense
    gate += other.gate
    shared += other.shared
    experts += other.experts
    ends += other.ends
    overhead += other.overhead
    collectives += other.collectives
    draft += other.draft
  }
}
