// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// What a file in Chrome's trace event format holds, and what a viewer would draw wrongly or not at
/// all: overlapping slices of a track, spans that don't nest, arrows that hang in the air.
public struct ChromeTraceCheck: Sendable {
  /// Slices (`X`).
  public private(set) var slices = 0
  /// Tracks that hold slices.
  public private(set) var tracks = 0
  /// Asynchronous spans (`b` with their `e`).
  public private(set) var spans = 0
  /// Counter values (`C`).
  public private(set) var counters = 0
  /// Arrows (`s` with their `f`).
  public private(set) var flows = 0
  /// How much is wrong.
  public private(set) var violationCount = 0
  /// What is wrong, in sentences; the first hundred.
  public private(set) var violations: [String] = []

  /// Reads a trace, an event at a time; throws when the file can't be read.
  ///
  /// - Complexity: O(*n* log *n*) time and O(*n*) memory in the events, 16 bytes for a slice.
  public init(path: String) throws {
    let file = try FileHandle(forReadingFrom: URL(filePath: path))
    defer { try? file.close() }
    var scanner = TraceEventScanner()
    var reader = TraceEventReader()
    while let chunk = try file.read(upToCount: 1 << 18), !chunk.isEmpty {
      for byte in chunk {
        if let event = scanner.consume(byte) { reader.read(event) }
      }
    }
    if !scanner.isComplete { reader.report("the file ends within the list of events") }
    reader.finish()
    slices = reader.checker.sliceCount
    tracks = reader.checker.trackCount
    spans = reader.spans
    counters = reader.counters
    flows = reader.flows
    violationCount = reader.violationCount
    violations = reader.violations
  }
}
