// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Whether a sweep is to go on, and who is told how far it has come. For use from any thread.
public final class SweepControl: @unchecked Sendable {
  /// How far a sweep has come.
  public struct Progress: Sendable {
    /// Runs that have ended.
    public var done: Int
    /// Runs in all.
    public var total: Int
  }

  /// How much of a sweep is to go on.
  public enum Demand: Int, Sendable, Comparable {
    /// All of it.
    case goOn
    /// What is under way.
    case finishRuns
    /// Nothing.
    case stopNow

    /// In the order of urgency.
    public static func < (left: Demand, right: Demand) -> Bool { left.rawValue < right.rawValue }
  }

  private let lock = NSLock()
  private var wanted = Demand.goOn
  private let report: @Sendable (Progress) -> Void

  /// A control that nobody has touched.
  public init(progress: @escaping @Sendable (Progress) -> Void = { _ in }) { report = progress }

  /// What is wanted.
  public var demand: Demand { lock.withLock { wanted } }

  /// Asks for less: first that no runs begin, then that all stop.
  public func interrupt() {
    lock.withLock { wanted = wanted == .goOn ? .finishRuns : .stopNow }
  }

  /// Tells how far the sweep has come.
  func tell(_ progress: Progress) { report(progress) }
}
