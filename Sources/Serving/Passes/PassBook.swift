// SPDX-License-Identifier: GPL-3.0-or-later

/// What kind of tokens a forward pass computes.
public enum PassMode: Int, Sendable, CaseIterable {
  /// Prompts alone.
  case prefill
  /// Output tokens alone.
  case decode
  /// Both.
  case mixed

  /// The mode as reports and files name it.
  public var name: String { "\(self)" }
}

/// One forward pass in the sums of MoE-CAP.
struct PassFigures: Sendable, Equatable {
  var mode = PassMode.decode
  /// How long it took [s].
  var seconds = 0.0
  /// Sequences in it.
  var sequences = 0
  /// Tokens computed.
  var tokens = 0
  /// Distinct experts that its tokens used in a MoE layer, averaged over layers.
  var activatedExperts = 0.0
  /// Weights that it must read [B].
  var weightBytes = 0.0
  /// Keys and values that it must read [B].
  var keyValueBytes = 0.0
  /// What it must compute [FLOP].
  var flop = 0.0
  /// What its GPUs could have read and computed in its time, at their nominal peaks [B, FLOP].
  var peakBytes = 0.0
  var peakFlop = 0.0
}

/// The sums over passes, by mode.
struct PassBook: Sendable {
  struct Sums: Sendable {
    var passes: UInt64 = 0
    var seconds = 0.0
    var sequences: UInt64 = 0
    var tokens: UInt64 = 0
    var activatedExperts = 0.0
    var weightBytes = 0.0
    var keyValueBytes = 0.0
    var flop = 0.0
    var peakBytes = 0.0
    var peakFlop = 0.0

    mutating func add(_ pass: PassFigures) {
      passes += 1
      seconds += pass.seconds
      sequences += UInt64(pass.sequences)
      tokens += UInt64(pass.tokens)
      activatedExperts += pass.activatedExperts
      weightBytes += pass.weightBytes
      keyValueBytes += pass.keyValueBytes
      flop += pass.flop
      peakBytes += pass.peakBytes
      peakFlop += pass.peakFlop
    }

    mutating func add(_ other: Sums) {
      passes += other.passes
      seconds += other.seconds
      sequences += other.sequences
      tokens += other.tokens
      activatedExperts += other.activatedExperts
      weightBytes += other.weightBytes
      keyValueBytes += other.keyValueBytes
      flop += other.flop
      peakBytes += other.peakBytes
      peakFlop += other.peakFlop
    }
  }

  private var prefill = Sums()
  private var decode = Sums()
  private var mixed = Sums()

  /// Adds a pass.
  mutating func add(_ pass: PassFigures) {
    switch pass.mode {
    case .prefill: prefill.add(pass)
    case .decode: decode.add(pass)
    case .mixed: mixed.add(pass)
    }
  }

  /// The sums of one mode.
  subscript(mode: PassMode) -> Sums {
    switch mode {
    case .prefill: prefill
    case .decode: decode
    case .mixed: mixed
    }
  }

  /// The sums of all passes.
  var all: Sums {
    var sums = prefill
    sums.add(decode)
    sums.add(mixed)
    return sums
  }
}

/// The experts of the pass under way.
struct PassState: Sendable {
  /// Distinct experts, summed over MoE layers.
  var distinct = 0
  /// Their bytes.
  var expertBytes = 0.0
  /// Which experts of each layer are used, where a pass has several micro-batches; else empty.
  private var isUsed: [Bool] = []
  private var experts = 0

  /// Keeps which experts are used from now on, for passes of several micro-batches.
  mutating func keepSets(layers: Int, experts: Int) {
    self.experts = experts
    isUsed = [Bool](repeating: false, count: layers * experts)
  }

  /// Experts of a layer are used, all of them of equal size.
  @inline(__always)
  mutating func use(_ count: Int, bytes: Double) {
    distinct += count
    expertBytes += Double(count) * bytes
  }

  /// An expert of a layer is used by a micro-batch.
  @inline(__always)
  mutating func mark(layer: Int, expert: Int) { isUsed[layer * experts + expert] = true }

  /// Every expert of every layer is used by a micro-batch.
  mutating func markAll() { for place in isUsed.indices { isUsed[place] = true } }

  /// Adds what micro-batches have used, each expert once.
  mutating func closeSets(_ costs: PassCosts) {
    guard experts > 0 else { return }
    for layer in 0..<isUsed.count / experts {
      var count = 0
      for place in layer * experts..<(layer + 1) * experts where isUsed[place] {
        count += 1
        isUsed[place] = false
      }
      use(count, bytes: costs.expert(layer: layer))
    }
  }

  /// Forgets the pass.
  mutating func reset() {
    distinct = 0
    expertBytes = 0
  }
}
