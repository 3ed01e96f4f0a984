// SPDX-License-Identifier: GPL-3.0-or-later

/// First come, first served.
public struct FirstComeFirstServed: AdmissionPolicy {
  /// Admission in order of arrival.
  public init() {}
  /// The first in the queue.
  public func next(waiting: borrowing some WaitingQueue, running: Int) -> Int? {
    waiting.count > 0 ? 0 : nil
  }
}
