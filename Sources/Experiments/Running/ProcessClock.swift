// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Serving

/// Wall-clock and processor time of this process since the value was made.
struct ProcessClock {
  private let wall = ContinuousClock.now
  private let cpu = ProcessClock.cpuSeconds()

  /// The processor time that this process has used [s].
  static func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// What is not deterministic of a run of so many events that began when the value was made.
  func runInfo(events: UInt64) -> SimulationResult.RunInfo {
    let elapsed = ContinuousClock.now - wall
    let wallSeconds =
      Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    let cpuSeconds = max(1e-9, Self.cpuSeconds() - cpu)
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    #if DEBUG
      let build = "debug"
    #else
      let build = "release"
    #endif
    return .init(
      version: MoesimVersion.current, build: build, host: ProcessInfo.processInfo.hostName,
      wallSeconds: wallSeconds, cpuSeconds: cpuSeconds,
      eventsPerCpuSecond: Double(events) / cpuSeconds,
      peakMemoryBytes: Int64(usage.ru_maxrss) * 1024)
  }
}

/// The version of moesim.
public enum MoesimVersion {
  /// The current version, by semantic versioning.
  public static let current = "0.1.0"
}
