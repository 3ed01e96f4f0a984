// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Records

/// How far a run has come.
public struct Progress: Sendable, Equatable {
  /// What is done of the whole: requests completed, runs of a sweep.
  public var done: Double
  /// The whole, or 0 where it isn't known.
  public var total: Double
  /// What is counted, in the plural: "requests".
  public var unit: String
  /// More to show: "12.3 s simulated".
  public var detail: String

  /// A state of a run.
  public init(done: Double, total: Double, unit: String, detail: String = "") {
    self.done = done
    self.total = total
    self.unit = unit
    self.detail = detail
  }
}

/// Lets through at most one call in an interval.
public struct Throttle: Sendable {
  private let interval: UInt64
  private var next: UInt64?

  /// A throttle of that interval [ns].
  public init(intervalNanoseconds: UInt64) {
    interval = intervalNanoseconds
  }

  /// Whether an interval has passed since the last call that was let through.
  public mutating func isDue(at nanoseconds: UInt64) -> Bool {
    if let next, nanoseconds < next { return false }
    next = nanoseconds &+ interval
    return true
  }
}

/// Shows on standard error how far a run has come, in one line that is written over.
///
/// Shows nothing where standard error is no terminal or the user doesn't want it. Failing writes
/// are ignored: nobody looks.
public struct ProgressDisplay {
  private let isEnabled: Bool
  private let style: ReportStyle
  private let start: UInt64
  private var throttle: Throttle
  private let clock: () -> UInt64
  private let write: (String) -> Void
  private var shown = 0

  /// A display on standard error.
  ///
  /// - Parameter isWanted: Whether the user wants it: false for `--no-progress`.
  public init(isWanted: Bool = true) {
    self.init(
      isEnabled: isWanted && isatty(STDERR_FILENO) == 1,
      style: ReportStyle.detected(descriptor: STDERR_FILENO),
      clock: { DispatchTime.now().uptimeNanoseconds },
      write: { text in
        var text = text
        text.withUTF8 { _ = Foundation.write(STDERR_FILENO, $0.baseAddress, $0.count) }
      })
  }

  init(
    isEnabled: Bool, style: ReportStyle, clock: @escaping () -> UInt64,
    write: @escaping (String) -> Void
  ) {
    self.isEnabled = isEnabled
    self.style = style
    self.clock = clock
    self.write = write
    start = clock()
    throttle = Throttle(intervalNanoseconds: 100_000_000)
  }

  /// Shows a state, at most ten times a second; it's only asked for when it will be shown.
  public mutating func update(_ progress: @autoclosure () -> Progress) {
    guard isEnabled else { return }
    let now = clock()
    guard throttle.isDue(at: now) else { return }
    let text = line(for: progress(), at: now).truncated(to: style.width - 1)
    write("\r" + text.padded(to: shown))
    shown = text.count
  }

  /// Clears the line.
  public mutating func finish() {
    guard isEnabled, shown > 0 else { return }
    write("\r" + String(repeating: " ", count: shown) + "\r")
    shown = 0
  }

  private func line(for progress: Progress, at now: UInt64) -> String {
    var parts: [String] = []
    let done = FigureText.fixed(progress.done, decimals: 0)
    if progress.total > 0 {
      let share = min(max(progress.done / progress.total, 0), 1)
      parts.append(
        "\(FigureText.fixed((share * 100).rounded(.down), decimals: 0)) %".paddedLeading(to: 5))
      if style.width >= 60 { parts.append("[\(style.bar(share, width: 16))]") }
      parts.append("\(done)/\(FigureText.fixed(progress.total, decimals: 0)) \(progress.unit)")
      let elapsed = Double(now &- start) / 1e9
      if share > 0, share < 1, elapsed >= 1 {
        let remaining = elapsed * (1 - share) / share
        parts.append("\(FigureText.fixed(remaining.rounded(.up), decimals: 0)) s left")
      }
    } else {
      parts.append("\(done) \(progress.unit)")
    }
    if !progress.detail.isEmpty { parts.append(progress.detail) }
    return parts.joined(separator: "  ")
  }
}
