// SPDX-License-Identifier: GPL-3.0-or-later

/// Something that was decided about the experts of a run, and when.
///
/// A run's decisions, in order, are enough to hold the same experts in the same slots elsewhere.
/// docs/decisions-format.md describes them as they are written to files.
public struct Decision: Sendable, Equatable {
  /// The simulated (or measured) time from the start of the run [ns].
  public var nanoseconds: UInt64
  /// What was decided.
  public var event: Event

  /// A decision.
  public init(nanoseconds: UInt64, _ event: Event) {
    self.nanoseconds = nanoseconds
    self.event = event
  }

  /// What was decided.
  public enum Event: Sendable, Equatable {
    /// A forward pass begins.
    case step(Step)
    /// A forward pass has ended.
    case stepEnd(number: Int)
    /// A MoE layer begins: its attention is about to be computed.
    case layer(Int)
    /// A layer's gate has named its experts, and the cache has judged them.
    case access(Access)
    /// The experts of a layer have been computed.
    case computed(layer: Int)
    /// The fetch of a block ahead of its use begins.
    case prefetch(Prefetch)
    /// A fetch has ended.
    case landed(BlockID, slot: Int, ahead: Bool)
    /// A block is not fetched ahead after all, or its copy is let go.
    case dropped(BlockID, Reason)
    /// Blocks lost their room for another reason than an access or a prefetch.
    case evicted([Place])
  }

  /// A forward pass of the batch.
  public struct Step: Sendable, Equatable {
    /// Its number, from 1.
    public var number: Int
    /// Rows that it computes.
    public var tokens: Int
    /// What each sequence contributes.
    public var sequences: [Sequence]

    /// A forward pass.
    public init(number: Int, tokens: Int, sequences: [Sequence]) {
      self.number = number
      self.tokens = tokens
      self.sequences = sequences
    }
  }

  /// What a sequence contributes to a step.
  public struct Sequence: Sendable, Equatable {
    /// The request's number.
    public var request: UInt64
    /// Rows before its first one in the step, which that one attends to beside itself.
    public var position: Int
    /// Rows in the step.
    public var tokens: Int
    /// Rows among them that are output tokens.
    public var outputs: Int

    /// A sequence's part.
    public init(request: UInt64, position: Int, tokens: Int, outputs: Int) {
      self.request = request
      self.position = position
      self.tokens = tokens
      self.outputs = outputs
    }
  }

  /// A block and the slot that it lies in, or lay in.
  public struct Place: Sendable, Equatable, BitwiseCopyable {
    /// The block.
    public var block: BlockID
    /// The slot; -1 for a staging buffer.
    public var slot: Int32

    /// A block in a slot.
    public init(block: BlockID, slot: Int) {
      self.block = block
      self.slot = Int32(slot)
    }
  }

  /// How a member of an access was found.
  public enum Found: String, Sendable, BitwiseCopyable, CaseIterable {
    /// It is there.
    case hit
    /// It is on its way, and has become a demand.
    case late
    /// It is not there, and is fetched into the cache.
    case miss
    /// It is not there and gets no room: it passes through a staging buffer.
    case streamed
    /// It is computed where it is stored.
    case host
  }

  /// A member of an access.
  public struct Member: Sendable, Equatable, BitwiseCopyable {
    /// The block.
    public var block: BlockID
    /// Tokens of the step that chose it.
    public var tokens: Int32
    /// Its gate weight, summed over these tokens.
    public var weight: Float
    /// How it was found.
    public var found: Found
    /// Its slot; -1 for a staging buffer, or none.
    public var slot: Int32

    /// A member.
    public init(block: BlockID, tokens: Int, weight: Float, found: Found, slot: Int) {
      self.block = block
      self.tokens = Int32(tokens)
      self.weight = weight
      self.found = found
      self.slot = Int32(slot)
    }
  }

  /// One access event of the cache.
  public struct Access: Sendable, Equatable {
    /// The layer, counted among the MoE layers.
    public var layer: Int
    /// Its members in touch order, the heaviest last.
    public var members: [Member]
    /// The blocks that lost their room for it, and the slots that they lost, in order.
    public var evicted: [Place]

    /// An access.
    public init(layer: Int, members: [Member], evicted: [Place]) {
      self.layer = layer
      self.members = members
      self.evicted = evicted
    }
  }

  /// A fetch ahead of its use.
  public struct Prefetch: Sendable, Equatable {
    /// What is fetched, and where to.
    public var place: Place
    /// The blocks that lost their room for it.
    public var evicted: [Place]

    /// A fetch.
    public init(place: Place, evicted: [Place]) {
      self.place = place
      self.evicted = evicted
    }
  }

  /// Why a block is not fetched ahead, or its copy is let go.
  public enum Reason: String, Sendable, BitwiseCopyable, CaseIterable {
    /// It waited for its turn until its layer's gate decided.
    case overtaken
    /// No room could be made.
    case noRoom = "no-room"
    /// Its fetch ended between two chunks.
    case cancelled
    /// It stood in a staging buffer, and its gate did not choose it.
    case forgotten
  }
}

/// Takes a run's decisions as they are made.
public protocol DecisionSink {
  /// The run begins.
  ///
  /// - Parameters:
  ///   - layout: The blocks.
  ///   - content: What the cache holds, in the order of the blocks.
  ///   - slots: The slots of each pool.
  mutating func begin(layout: BlockLayout, content: [Decision.Place], slots: [Int])

  /// Something was decided.
  mutating func take(_ decision: Decision)
}
