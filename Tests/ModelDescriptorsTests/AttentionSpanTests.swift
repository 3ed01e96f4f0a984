// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import ModelDescriptors

/// The closed forms of attended lengths against sums over positions.
@Suite struct AttentionSpanTests {
  static let spans: [AttentionSpan] = [
    .full, .recurrent, AttentionSpan(window: 128), AttentionSpan(window: 1),
    AttentionSpan(chunk: 100), AttentionSpan(selection: 70),
    AttentionSpan(selection: 70, scanCompression: 1),
    AttentionSpan(window: 16, compression: 4, selection: 10, scanCompression: 4),
    AttentionSpan(window: 16, compression: 32), AttentionSpan(window: 8, compression: 1),
  ]

  @Test(arguments: spans)
  func `Sums equal the terms added one by one`(span: AttentionSpan) {
    for from in [0, 1, 15, 16, 99, 100, 127, 128, 500] {
      for count in [0, 1, 2, 31, 100, 257] {
        var attended = 0
        var scanned = 0
        for visible in (from + 1)..<(from + count + 1) {
          attended += span.attended(visible: visible)
          scanned += span.scanned(visible: visible)
        }
        #expect(span.attendedSum(after: from, count: count) == Double(attended))
        #expect(span.scannedSum(after: from, count: count) == Double(scanned))
      }
    }
  }

  @Test(arguments: spans)
  func `A token attends to what is stored, at most`(span: AttentionSpan) {
    for length in 0..<600 {
      let attended = span.attended(visible: length)
      #expect(attended <= span.stored(length: length))
      #expect(span.stored(length: length) <= length + span.window)
      #expect(attended >= 0)
    }
  }

  @Test func `Spans mean what their names say`() {
    let window = AttentionSpan(window: 128)
    #expect(window.attended(visible: 50) == 50)
    #expect(window.attended(visible: 5_000) == 128)
    let chunk = AttentionSpan(chunk: 8_192)
    #expect(chunk.attended(visible: 8_192) == 8_192)
    #expect(chunk.attended(visible: 8_193) == 1)
    let sparse = AttentionSpan(window: 128, compression: 4, selection: 512, scanCompression: 4)
    #expect(sparse.attended(visible: 100_000) == 128 + 512)
    #expect(sparse.scanned(visible: 100_000) == 25_000)
    #expect(sparse.stored(length: 100_000) == 128 + 25_000)
    #expect(AttentionSpan.recurrent.stored(length: 100) == 0)
  }

  @Test(arguments: spans)
  func `A prompt in chunks does the work of a prompt at once`(span: AttentionSpan) {
    var whole = AttentionLoad()
    whole.addPrefill(position: 0, count: 777, span: span)
    var parts = AttentionLoad()
    for start in stride(from: 0, to: 777, by: 100) {
      parts.addPrefill(position: start, count: min(100, 777 - start), span: span)
    }
    #expect(parts.prefillTokens == whole.prefillTokens)
    #expect(parts.prefillPairs == whole.prefillPairs)
    #expect(parts.prefillScanned == whole.prefillScanned)
    #expect(parts.prefillContext >= whole.prefillContext)
    #expect(parts.prefillSequences == 8)
  }
}
