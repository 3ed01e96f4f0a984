// SPDX-License-Identifier: GPL-3.0-or-later

import Reports
import Synchronization

/// A display of progress that any thread tells.
final class SharedProgressDisplay: Sendable {
  private let display: Mutex<ProgressDisplay>

  init(isWanted: Bool) { display = Mutex(ProgressDisplay(isWanted: isWanted)) }

  func update(_ progress: Progress) { display.withLock { $0.update(progress) } }

  func finish() { display.withLock { $0.finish() } }
}
