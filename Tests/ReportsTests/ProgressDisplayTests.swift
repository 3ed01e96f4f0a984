// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Reports

@Suite("Progress")
struct ProgressDisplayTests {
  /// What a display wrote, by a clock that stands where the test puts it.
  private final class Terminal {
    var now: UInt64 = 0
    var writes: [String] = []

    func display(isEnabled: Bool = true, width: Int = 80) -> ProgressDisplay {
      ProgressDisplay(
        isEnabled: isEnabled, style: ReportStyle(width: width), clock: { self.now },
        write: { self.writes.append($0) })
    }
  }

  @Test("is shown at most ten times a second")
  func throttled() {
    let terminal = Terminal()
    var display = terminal.display()
    var asked = 0
    func progress() -> Progress {
      asked += 1
      return Progress(done: 1, total: 2, unit: "requests")
    }
    for _ in 0..<1_000 {
      display.update(progress())
      terminal.now += 1_000_000
    }
    #expect(terminal.writes.count == 10)
    #expect(asked == 10)
  }

  @Test("says how much is done and how long it will take")
  func text() {
    let terminal = Terminal()
    var display = terminal.display()
    terminal.now = 3_000_000_000
    display.update(Progress(done: 1_500, total: 6_000, unit: "requests", detail: "12 s simulated"))
    #expect(
      terminal.writes
        == ["\r 25 %  [####            ]  1,500/6,000 requests  9 s left  12 s simulated"])
  }

  @Test("writes over the whole of what it showed, and clears it")
  func clears() {
    let terminal = Terminal()
    var display = terminal.display()
    display.update(Progress(done: 1_000_000, total: 0, unit: "events", detail: "a long text"))
    terminal.now += 1_000_000_000
    display.update(Progress(done: 2, total: 0, unit: "events"))
    #expect(terminal.writes.count == 2)
    #expect(terminal.writes[0].count == terminal.writes[1].count)
    display.finish()
    #expect(terminal.writes.last == "\r" + String(repeating: " ", count: "2 events".count) + "\r")
    display.finish()
    #expect(terminal.writes.count == 3)
  }

  @Test("stays within the terminal", arguments: [40, 60, 80])
  func width(width: Int) {
    let terminal = Terminal()
    var display = terminal.display(width: width)
    let detail = String(repeating: "x", count: 200)
    display.update(Progress(done: 1, total: 3, unit: "requests", detail: detail))
    #expect(terminal.writes[0].count <= width)
  }

  @Test("is silent where it isn't wanted")
  func disabled() {
    let terminal = Terminal()
    var display = terminal.display(isEnabled: false)
    display.update(Progress(done: 1, total: 3, unit: "requests"))
    display.finish()
    #expect(terminal.writes.isEmpty)
  }
}
