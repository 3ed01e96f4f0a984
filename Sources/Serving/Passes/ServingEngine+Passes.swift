// SPDX-License-Identifier: GPL-3.0-or-later

extension ServingEngine {
  /// Notes the experts that a layer's gate has named and that are used as they are.
  @inline(__always)
  mutating func notePassExperts(mixture: Int) {
    if !resolveIsPlain { noteGateMass() }
    guard let passCosts else { return }
    var count = activation.distinct.count
    if prefetchIsActive && prefetch.awaitsWholeLayers {
      // Of a layer that is awaited whole, most are there for nobody.
      count = activation.distinct.reduce(0) {
        $0 + (activation.tokensPerExpert[Int($1)] > 0 ? 1 : 0)
      }
    }
    pass.use(count, bytes: passCosts.expert(layer: mixture))
  }

  /// Notes the experts that a micro-batch uses in a layer.
  mutating func markPassExperts(mixture: Int) {
    if !resolveIsPlain { noteGateMass() }
    guard passCosts != nil else { return }
    for expert in activation.distinct { pass.mark(layer: mixture, expert: Int(expert)) }
  }

  /// Notes the gates' weight of a layer whose experts are all used as they are.
  private mutating func noteGateMass() {
    for expert in activation.distinct {
      counters.gateMass.serve(Double(activation.weightPerExpert[Int(expert)]), version: 0)
    }
  }

  /// Enters the forward pass that ends now, whose batch is still as it was.
  mutating func endPass(now: UInt64) {
    guard let passCosts else { return }
    pass.closeSets(passCosts)
    var figures = PassFigures()
    var prompts = 0
    for entry in batch.entries where entry.isPrefill { prompts += 1 }
    figures.mode =
      prompts == 0 ? .decode : prompts == batch.entries.count ? .prefill : .mixed
    figures.seconds = Double(now - stepBegan) * 1e-9
    figures.sequences = batch.entries.count
    figures.tokens = costs.decoderTokens
    figures.activatedExperts =
      passCosts.mixtureLayers > 0
      ? Double(pass.distinct) / Double(passCosts.mixtureLayers) : 0
    figures.weightBytes = passCosts.fixedBytes + pass.expertBytes
    figures.keyValueBytes = passCosts.keyValueBytes(costs.decoderLoads)
    figures.flop = passCosts.flop(tokens: figures.tokens, loads: costs.decoderLoads)
    let peaks = devicePeaks(passCosts)
    figures.peakBytes = peaks.bandwidth * figures.seconds
    figures.peakFlop = peaks.rate * figures.seconds
    counters.passes.add(figures)
    if passes != nil { record(figures, now: now) }
    pass.reset()
  }

  private mutating func record(_ figures: PassFigures, now: UInt64) {
    let entries = batch.entries.map { entry in
      let sequence = batch[entry.sequence]
      return PassRecord.Entry(
        request: sequence.request.number, tokens: Int(entry.tokens),
        total: Int(entry.position + entry.tokens), prompt: Int(entry.prompt),
        isPrefill: entry.isPrefill,
        isLastChunk: Int(entry.position + entry.tokens) >= sequence.prefillTarget)
    }
    passes?.take(
      PassRecord(
        number: stepNumber, began: stepBegan, ended: now, mode: figures.mode,
        activatedExperts: figures.activatedExperts, tokens: figures.tokens,
        weightBytes: figures.weightBytes, keyValueBytes: figures.keyValueBytes,
        flop: figures.flop, entries: entries))
  }

  /// MoE-CAP's figures of the measured time; `nil` for an encoder–decoder, which it does not define.
  func moeCapReport(
    tpotMs: Double?, outputTokensPerSecond: Double, cost: SimulationResult.CostReport,
    meanWatts: Double, accuracy: Double?
  ) -> SimulationResult.MoECAPReport? {
    guard let passCosts else { return nil }
    let peaks = devicePeaks(passCosts)
    return .init(
      book: counters.passes, gpus: peaks.gpus, bandwidth: peaks.bandwidth,
      peak: (peaks.name, peaks.rate),
      limitMs: configuration.serviceLevel.tpotMs,
      radar: .init(
        tpotSeconds: tpotMs.map { $0 * 1e-3 }, outputTokensPerSecond: outputTokensPerSecond,
        purchaseUsd: cost.purchaseUsd, meanWatts: meanWatts, accuracy: accuracy))
  }

  /// The nominal peaks of all GPUs of the replica [B/s, FLOP/s].
  private func devicePeaks(
    _ costs: PassCosts
  ) -> (gpus: Int, bandwidth: Double, rate: Double, name: String) {
    let gpus = max(configuration.devices, configuration.division.gpus)
    let peak = configuration.timing.capability.peak(for: costs.computeClass)
    return (
      gpus, configuration.figures.deviceBandwidth * Double(gpus),
      peak.rate.nominal * Double(gpus), peak.computeClass.name
    )
  }
}
