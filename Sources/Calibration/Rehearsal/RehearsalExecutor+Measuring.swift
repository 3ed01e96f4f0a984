// SPDX-License-Identifier: GPL-3.0-or-later

import CComputeLibraries
import Foundation
import Residency

extension RehearsalExecutor {
  /// What the short measurements are told.
  public struct MeasuringOptions: Sendable {
    /// Seconds for each kernel.
    public var seconds = 0.4
    /// The cached tokens of attention.
    public var past = 128
    /// The device's name in the rows.
    public var device = "this processor"
    /// The date in the rows.
    public var date: String?

    /// Plain options.
    public init() {}
  }

  /// Times each kernel of a step at this model's shapes, on the buffers of the execution: one after
  /// the other over all layers and slots, so that no cache serves the weights. Overwrites the slots.
  ///
  /// - Returns: One row for each kernel, the median of what was timed, and one for reads of a whole
  ///   expert as the execution reads them, unpaced where `source` is the drive.
  public func measure(_ options: MeasuringOptions = .init()) throws -> [KernelMeasurement] {
    var rows: [KernelMeasurement] = []
    let attention = model.layers[0].attention
    let count = model.layers.count
    let past = max(1, min(options.past, work.longest - 1))
    func add(
      _ kernel: MeasuredKernel, _ set: (inout KernelMeasurement) -> Void, _ body: (Int) -> Void
    ) {
      var row = timed(kernel, options: options, body)
      set(&row)
      rows.append(row)
    }
    let queries = attention.heads * attention.headWidth
    let all = (attention.heads + 2 * attention.keyValueHeads) * attention.headWidth
    add(.gemv, { ($0.n, $0.k) = (all, self.model.hidden) }) { self.work.projectInput($0 % count) }
    add(.gemv, { ($0.n, $0.k) = (self.model.hidden, queries) }) {
      self.work.projectOutput($0 % count)
    }
    add(
      .attentionDecode,
      {
        ($0.batch, $0.heads, $0.kvHeads) = (1, attention.heads, attention.keyValueHeads)
        ($0.headSize, $0.past) = (attention.headWidth, past)
      }
    ) { self.work.attend($0 % count, position: past - 1, slot: 0) }
    add(.elementwise, { ($0.tokens, $0.hidden) = (1, self.model.hidden) }) { _ in
      self.work.elementwise()
    }
    let mixtures = model.layers.indices.filter { model.layers[$0].mixture >= 0 }
    add(
      .gate,
      {
        ($0.tokens, $0.experts) = (1, self.model.experts)
        ($0.topK, $0.hidden) = (self.model.topK, self.model.hidden)
      }
    ) { self.work.gate(mixtures[$0 % mixtures.count], rows: 1) }
    add(
      .fusedExperts,
      {
        ($0.tokens, $0.experts, $0.activated, $0.topK) = (1, 1, 1, 1)
        ($0.hidden, $0.width) = (self.model.hidden, self.model.width)
      }
    ) { index in
      self.work.expert(
        self.memory.slot(index % (self.memory.slots + self.memory.buffers)), rows: 1, tokens: 1,
        weight: 1, number: 0)
    }
    add(.gemv, { ($0.n, $0.k) = (self.model.vocabulary, self.model.hidden) }) { _ in
      self.work.head(rows: 1)
    }
    rows.append(try measureReads(options))
    return rows
  }

  private func row(
    _ kernel: MeasuredKernel, _ seconds: [Double], options: MeasuringOptions
  ) -> KernelMeasurement {
    let sorted = seconds.sorted()
    var row = KernelMeasurement(
      device: options.device, kernel: kernel, median: sorted[sorted.count / 2],
      source: "moesim rehearse, \(products.name)")
    row.minimum = sorted.first
    row.maximum = sorted.last
    row.repeats = sorted.count
    row.implementation = products.isPlain ? "plain" : "openblas"
    row.precision = "fp32"
    row.threads = products.threads
    row.date = options.date
    return row
  }

  private func timed(
    _ kernel: MeasuredKernel, options: MeasuringOptions, _ body: (Int) -> Void
  ) -> KernelMeasurement {
    var seconds: [Double] = []
    var index = 0
    for _ in 0..<3 {
      body(index)
      index += 1
    }
    let start = ccl_now()
    while seconds.count < 5 || ccl_now() - start < options.seconds {
      let before = ccl_now()
      body(index)
      seconds.append(ccl_now() - before)
      index += 1
    }
    return row(kernel, seconds, options: options)
  }

  /// Reads experts as the execution does, as many at once as it has readers.
  private func measureReads(_ options: MeasuringOptions) throws -> KernelMeasurement {
    if settings.source == .drive { reads.setPace(nil) }
    defer { reads.setPace(settings.pace) }
    let places = memory.slots + memory.buffers
    let depth = max(1, min(settings.readers, places, file.blocks))
    var seconds: [Double] = []
    var block = 0
    let start = ccl_now()
    while seconds.count < 3 || ccl_now() - start < 2.5 * options.seconds {
      let before = ccl_now()
      var batch: [BlockID] = []
      for place in 0..<depth {
        let id = BlockID(block % file.blocks)
        reads.begin(id, into: memory.slot(place), place: place, urgent: true)
        batch.append(id)
        // A stride that no read-ahead foresees, through all experts.
        block += file.blocks / 2 + 1
      }
      for id in batch { _ = try reads.wait(id) }
      seconds.append((ccl_now() - before) / Double(depth))
    }
    var row = row(.read, seconds, options: options)
    row.implementation = nil
    row.precision = nil
    row.bytes = model.expertBytes
    row.queueDepth = depth
    row.threads = settings.readers
    return row
  }
}
