// SPDX-License-Identifier: GPL-3.0-or-later

/// The time of transfers that begin together, each of as many bytes: the latest of latency + bytes · s,
/// s being the seconds per byte of the fullest link that a transfer crosses.
struct StepCost: Sendable {
  struct Line: Sendable, BitwiseCopyable {
    var latency: Double
    var secondsPerByte: Double
  }

  /// Those of which none lies below another everywhere.
  private(set) var lines: [Line] = []
  /// What software needs once [s].
  var launch = 0.0

  /// Takes another transfer in.
  mutating func add(latency: Double, secondsPerByte: Double) {
    for line in lines where line.latency >= latency && line.secondsPerByte >= secondsPerByte {
      return
    }
    lines.removeAll { $0.latency <= latency && $0.secondsPerByte <= secondsPerByte }
    lines.append(Line(latency: latency, secondsPerByte: secondsPerByte))
  }

  /// Seconds until all have arrived; O(lines), of which there is one unless links differ.
  func seconds(bytes: Double) -> Double {
    var latest = 0.0
    for line in lines { latest = max(latest, line.latency + bytes * line.secondsPerByte) }
    return latest
  }
}
