// SPDX-License-Identifier: GPL-3.0-or-later

import CSweepSignals
import Foundation

/// What a process that runs shards arranges for its own end.
public enum WorkerProcess {
  /// Has this process killed when the thread that started it ends, so that no run goes on whose
  /// results nobody waits for; and leaves the terminal's interrupts to whoever started it.
  public static func dieWithParent() {
    _ = csweep_die_with_parent()
    signal(SIGINT, SIG_IGN)
  }
}
