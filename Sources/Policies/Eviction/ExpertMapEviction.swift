// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// FineMoE's replacement (arXiv 2502.05370, section 4): the priority of going is 1/(p · f), so the
/// expert with the least product goes, where p is the probability that the expert map in force gives
/// it and f how often it was used since the last reset. Recency does not count.
///
/// Two readings are offered:
/// - ``Variant/paper``: p is that of the newest prediction of the expert's layer, 0 for an expert
///   that it leaves out; f counts every use.
/// - ``Variant/code``: as in the released code (IntelliSys-Lab/FineMoE-EuroSys26,
///   `core/prefetch/task_scheduler.cpp`): p stays until the expert goes; f counts uses while it is
///   here; the product is cut to a whole number; experts of the newest round of predictions are
///   passed over; an expert that goes loses both figures. Where all others are passed over too, the
///   least of those goes, so that a needed expert finds room.
///
/// Of equal products the fewer uses go first, then the smaller number.
///
/// - Complexity: O(log n) for a use, a prediction and a choice, n blocks being in the pool; in the
///   paper's reading the first prediction of a layer in a pass costs O(experts × log n).
public struct ExpertMapEviction: EvictionPolicy {
  /// Whose reading it is.
  public enum Variant: String, Sendable, CaseIterable {
    /// What the paper says.
    case paper
    /// What the released code does.
    case code
  }

  private struct Record: BitwiseCopyable {
    var probability: Float = 0
    var uses: UInt32 = 0
    var isCandidate = false
  }

  private let variant: Variant
  private var heap = BlockHeap()
  private var layout: BlockLayout?
  private var records: [Record] = []
  /// The forward pass in which a layer was predicted last.
  private var predictedIn: [UInt64] = []
  private var pass: UInt64 = 1
  private var candidates: [BlockID] = []
  private var roundIsOver = true

  /// Creates the rule.
  public init(variant: Variant = .paper) { self.variant = variant }

  /// Sizes the rule's storage.
  public mutating func configure(for view: borrowing ResidencyView) {
    heap = BlockHeap(for: view)
    layout = view.layout
    records = Array(repeating: Record(), count: view.blockCount)
    predictedIn = Array(repeating: 0, count: view.layout.layers)
    pass = 1
    candidates = []
    candidates.reserveCapacity(view.blockCount)
    roundIsOver = true
  }

  /// Goes on to the next pass.
  public mutating func stepBegan() {
    pass += 1
    roundIsOver = true
  }

  /// What is predicted from now on is a new round.
  public mutating func layerBegan(_ layer: Int) { roundIsOver = true }

  /// Takes over a probability.
  public mutating func predicted(_ block: BlockID, probability: Float) {
    if variant == .code {
      beginRound()
      if !records[block.index].isCandidate {
        records[block.index].isCandidate = true
        candidates.append(block)
      }
    } else {
      beginLayer(of: block)
    }
    records[block.index].probability = probability
    refresh(block)
  }

  /// Counts a use.
  public mutating func accessed(_ block: BlockID, weight: Float) {
    guard variant == .paper || heap.contains(block) else { return }
    if records[block.index].uses < .max { records[block.index].uses += 1 }
    refresh(block)
  }

  /// Puts a block into the order.
  public mutating func admitted(_ block: BlockID) { heap.set(key(block), for: block) }

  /// Takes a block out of the order; in the code's reading its figures end.
  public mutating func evicted(_ block: BlockID) {
    if heap.contains(block) { heap.remove(block) }
    guard variant == .code else { return }
    records[block.index].uses = 0
    records[block.index].probability = 0
  }

  /// Takes a pinned block out of the order.
  public mutating func pinned(_ block: BlockID) {
    if heap.contains(block) { heap.remove(block) }
  }

  /// Puts a block back.
  public mutating func unpinned(_ block: BlockID) { admitted(block) }

  /// Ends all counts; probabilities stay.
  public mutating func reset() {
    for place in records.indices {
      records[place].uses = 0
      refresh(BlockID(place))
    }
  }

  /// The block with the least product of those that may be dropped.
  public mutating func victim(in pool: Int, view: borrowing ResidencyView) -> BlockID? {
    heap.firstEvictable(inPool: pool, view: view)
  }

  /// Forgets the candidates of the round before.
  private mutating func beginRound() {
    guard roundIsOver else { return }
    roundIsOver = false
    while let block = candidates.popLast() {
      records[block.index].isCandidate = false
      refresh(block)
    }
  }

  /// Forgets what an earlier pass predicted for the block's layer.
  private mutating func beginLayer(of block: BlockID) {
    guard let layout else { return }
    let layer = layout.layer(of: block)
    guard predictedIn[layer] != pass else { return }
    predictedIn[layer] = pass
    for version in 0..<layout.versions {
      for expert in 0..<layout.experts {
        let other = layout.block(layer: layer, expert: expert, version: version)
        guard records[other.index].probability != 0 else { continue }
        records[other.index].probability = 0
        refresh(other)
      }
    }
  }

  private mutating func refresh(_ block: BlockID) {
    if heap.contains(block) { heap.set(key(block), for: block) }
  }

  /// The larger, the sooner it goes: candidates last, then by product, then by uses.
  private func key(_ block: BlockID) -> UInt64 {
    let record = records[block.index]
    var product = record.probability * Float(record.uses)
    if variant == .code { product.round(.towardZero) }
    let uses = UInt64(min(record.uses, 0x7FFF_FFFF))
    let order = UInt64(product.bitPattern) << 31 | uses
    let rank: UInt64 = record.isCandidate ? 0 : 1 << 63
    return rank | (0x7FFF_FFFF_FFFF_FFFF - order)
  }

  static let registration = EvictionRegistration(
    name: "expert-map",
    summary: "drops the expert with the least product of predicted probability and uses",
    parameters: [
      RoleParameter(
        "variant", .choice(Variant.allCases.map(\.rawValue)), word: Variant.paper.rawValue,
        summary: "whether the paper or the released code is followed")
    ]
  ) { _, settings in
    ExpertMapEviction(variant: settings.text("variant").flatMap(Variant.init) ?? .paper)
  }
}
