// SPDX-License-Identifier: GPL-3.0-or-later

internal import DequeModule
import Policies
import Workload

/// The sequences of an engine: who runs, who waits, and what each computes in the next step.
///
/// Continuous batching as vLLM's scheduler does it: running sequences come first, in order of
/// admission; each decoding one computes one token, each prompt as many as the token budget leaves;
/// then waiting requests join while the batch and the KV cache have room. A sequence that cannot get
/// a KV block preempts the one admitted last, which is recomputed later, or whose blocks wait in host
/// memory.
struct BatchScheduler {
  let limits: BatchLimits
  /// The micro-batches of a closed batch; `nil` for continuous batching.
  let closed: MicroBatchLimits?
  var keyValue: KeyValueCache
  /// All sequences by slot; a recycled arena.
  var sequences: [SequenceState] = []
  private var freeSlots: [Int32] = []
  /// Running sequences in order of admission.
  var running: [Int32] = []
  var waiting = Deque<Int32>()
  /// What the step under way computes.
  var entries: [StepEntry] = []
  /// Tokens of the step under way.
  var stepTokens = 0
  /// The micro-batch of each waiting request, while a batch is closed.
  var assignment: [Int32] = []
  /// Sequences that have been taken out and still hold their room.
  var heldCount = 0
  /// Preemptions so far.
  var preemptions = 0
  /// Steps that are planned while others are under way: a request that comes then joins so many later.
  var stepsAhead: UInt32 = 0
  /// Whether waiting requests stay where they are in the step that is planned next.
  var holdsAdmissions = false
  /// Whether a step is under way when a request is queued.
  var isComputing = false
  /// Steps planned so far.
  private var plannedSteps: UInt32 = 0
  /// Steps since new requests were looked for.
  private var unlookedSteps = 0
  /// Places that the last step freed; a step that was planned before that does not fill them.
  private var vacated = 0
  /// Whether requests wait in order of priority, and the least urgent gives up its blocks first.
  let prioritises: Bool
  /// Prefix blocks that sequences share; `nil` where they share none.
  var prefix: PrefixSharing?
  /// Which drafted tokens are accepted; `nil` where none are drafted.
  var acceptance: AcceptanceModel?
  /// Host memory for the blocks of preempted sequences; `nil` where these are computed anew.
  var swap: SwapSpace?

  init(
    limits: BatchLimits, closed: MicroBatchLimits? = nil, keyValue: KeyValueCache,
    prefix: PrefixSharing? = nil, swap: SwapSpace? = nil,
    prioritises: Bool = false, acceptance: AcceptanceModel? = nil
  ) {
    self.acceptance = acceptance
    self.prioritises = prioritises
    self.limits = limits
    self.closed = closed
    self.keyValue = keyValue
    self.prefix = prefix
    self.swap = swap
    entries.reserveCapacity(limits.maximumSequences)
    running.reserveCapacity(limits.maximumSequences)
  }

  /// Requests waiting.
  var waitingCount: Int { waiting.count }

  /// Whether nothing runs and nothing waits.
  var isIdle: Bool { running.isEmpty && waiting.isEmpty && heldCount == 0 }

  subscript(slot: Int32) -> SequenceState {
    @inline(__always) _read { yield sequences[Int(slot)] }
    @inline(__always) _modify { yield &sequences[Int(slot)] }
  }

  /// Whether a request of this size could run alone.
  mutating func canEverHold(_ request: Request) -> Bool {
    let prompt = Int(request.promptTokens)
    // A verification may draft behind the request's end.
    let tokens = prompt + Int(request.outputTokens) + drafts
    if let prefix {
      // Shared blocks count as if windows kept all of their tokens; and where a whole prompt is found,
      // its last block is computed once more.
      let block = prefix.keyValueBlockTokens
      let blocks = (tokens + block - 1) / block + (prompt % block == 0 ? 1 : 0)
      guard Int64(blocks) * prefix.keyValueBlockBytes <= keyValue.capacity else { return false }
    }
    return keyValue.bytes(prompt: prompt, tokens: tokens) <= keyValue.capacity
  }

  /// Queues a request, with the identities of its prompt's prefix blocks where they are shared, and
  /// answers its slot.
  @discardableResult
  mutating func enqueue(
    _ request: Request, expertKey: Int32 = -1, prefixBlocks: ArraySlice<UInt64> = []
  ) -> Int32 {
    let slot: Int32
    if let reused = freeSlots.popLast() {
      slot = reused
      sequences[Int(slot)] = SequenceState(request: request, expertKey: expertKey)
    } else {
      slot = Int32(sequences.count)
      sequences.append(SequenceState(request: request, expertKey: expertKey))
    }
    prefix?.begin(slot, blocks: prefixBlocks)
    sequences[Int(slot)].earliestStep = earliestStep
    if prioritises { insertByPriority(slot) } else { waiting.append(slot) }
    return slot
  }

  /// Queues a sequence that another scheduler had.
  mutating func enqueue(_ sequence: SequenceState, prefixBlocks: [UInt64] = []) {
    let slot: Int32
    if let reused = freeSlots.popLast() {
      slot = reused
      sequences[Int(slot)] = sequence
    } else {
      slot = Int32(sequences.count)
      sequences.append(sequence)
    }
    prefix?.begin(slot, blocks: prefixBlocks[...])
    sequences[Int(slot)].earliestStep = earliestStep
    if prioritises { insertByPriority(slot) } else { waiting.append(slot) }
  }

  /// The first step that a request which is queued now may join.
  private var earliestStep: UInt32 {
    limits.admissionInterval > 1 ? .max : plannedSteps &+ 1 &+ (isComputing ? stepsAhead : 0)
  }

  /// Looks for requests that have come, as SGLang's `--scheduler-recv-interval` does: every so many
  /// steps, and whenever the step before computed a prompt.
  private mutating func look(afterPrompts: Bool) {
    unlookedSteps += 1
    guard afterPrompts || running.isEmpty || unlookedSteps >= limits.admissionInterval else {
      return
    }
    unlookedSteps = 0
    for slot in waiting where sequences[Int(slot)].earliestStep == .max {
      sequences[Int(slot)].earliestStep = plannedSteps &+ stepsAhead
    }
  }

  /// Gives a slot back.
  mutating func recycle(_ slot: Int32) { freeSlots.append(slot) }

  /// Forgets every sequence.
  mutating func forgetSequences() {
    sequences.removeAll(keepingCapacity: true)
    freeSlots.removeAll(keepingCapacity: true)
    running.removeAll(keepingCapacity: true)
    waiting.removeAll(keepingCapacity: true)
    entries.removeAll(keepingCapacity: true)
    stepTokens = 0
    heldCount = 0
    keyValue.releaseAll()
    prefix?.forgetAll()
    if let capacity = swap?.capacity { swap = SwapSpace(capacity: capacity) }
  }

  /// Takes a finished sequence out.
  mutating func finish(_ slot: Int32) {
    keyValue.release(sequences[Int(slot)].keyValueBytes)
    prefix?.letGo(slot)
    if let place = running.firstIndex(of: slot) { running.remove(at: place) }
    if stepsAhead > 0 { vacated += 1 }
    freeSlots.append(slot)
  }

  /// Decides what the next step computes; `entries` holds it.
  ///
  /// - Complexity: O(running sequences + admissions).
  mutating func planStep(admission: any AdmissionPolicy) {
    if let closed, let policy = admission as? any ClosedBatchPolicy {
      planClosedStep(policy, limits: closed)
      return
    }
    let hadPrompts = limits.admissionInterval > 1 && entries.contains { $0.isPrefill }
    entries.removeAll(keepingCapacity: true)
    stepTokens = 0
    plannedSteps &+= 1
    if limits.admissionInterval > 1 { look(afterPrompts: hadPrompts) }
    defer { vacated = 0 }
    var budget = limits.tokenBudget
    var place = 0
    let preemptedBefore = preemptions
    while place < running.count {
      let slot = running[place]
      if sequences[Int(slot)].swap == .arriving {
        place += 1
      } else if let tokens = schedule(slot, budget: budget) {
        budget -= tokens
        place += 1
      } else if roomIsLeaving(for: slot, tokens: nextTokens(of: slot, budget: budget)) {
        // It waits until the blocks of others have left for host memory.
        place += 1
      } else {
        // Somebody gives up its blocks; perhaps that is this one itself.
        let victim = victim()
        let isPlanned = running[..<place].contains(victim)
        budget += preempt(victim)
        if isPlanned { place -= 1 }
      }
    }
    // What is leaving leaves for those who run.
    if let swap, swap.leavingBytes > 0 { return }
    // A sequence that has just lost its blocks would take back what the others need next (vLLM's
    // scheduler admits nobody in such a step either).
    if holdsAdmissions { return }
    if preemptions == preemptedBefore || entries.isEmpty { admit(admission, budget: &budget) }
  }

  /// Whether the next step could compute a prompt: one is under way, or a request waits that may join.
  var hasPromptReady: Bool {
    if running.contains(where: { !sequences[Int($0)].isDecoding }) { return true }
    guard let first = waiting.first, running.count < limits.maximumSequences else { return false }
    return running.isEmpty || sequences[Int(first)].earliestStep <= plannedSteps &+ 1
  }

  /// The tokens that a sequence would compute in a step that leaves it so much of the budget.
  private func nextTokens(of slot: Int32, budget: Int) -> Int {
    let sequence = sequences[Int(slot)]
    guard !sequence.isDecoding else { return 1 + drafts }
    return chunk(of: sequence.prefillTarget - sequence.computed, budget: budget)
  }

  /// Plans one running sequence's part of the step.
  ///
  /// - Returns: the tokens that it takes of the budget, one per beam and drafted token when it decodes, 0 when the
  ///   budget leaves none; `nil` when the KV cache has no room.
  private mutating func schedule(_ slot: Int32, budget: Int) -> Int? {
    let sequence = sequences[Int(slot)]
    let tokens: Int
    if sequence.isDecoding {
      guard budget >= limits.beams + drafts else { return 0 }
      tokens = 1 + drafts
    } else {
      tokens = chunk(of: sequence.prefillTarget - sequence.computed, budget: budget)
      if tokens == 0 { return 0 }
    }
    guard let held = grow(sequence, to: sequence.computed + tokens) else { return nil }
    sequences[Int(slot)].keyValueBytes = held
    entries.append(
      StepEntry(
        sequence: slot, tokens: Int32(tokens), position: Int32(sequence.computed),
        isPrefill: !sequence.isDecoding, prompt: sequence.request.promptTokens))
    stepTokens += tokens
    return sequence.isDecoding ? limits.beams + drafts : tokens
  }

  /// How many of a prompt's remaining tokens this step takes.
  private func chunk(of remaining: Int, budget: Int) -> Int {
    if limits.chunkedPrefill { return min(remaining, max(0, budget)) }
    if remaining <= budget { return remaining }
    // Larger than any budget: it runs when nothing else does.
    return remaining > limits.tokenBudget && entries.isEmpty ? remaining : 0
  }

  private mutating func admit(_ admission: any AdmissionPolicy, budget: inout Int) {
    // With nobody running, nothing was planned ahead.
    let taken = running.isEmpty ? 0 : vacated
    while running.count + taken < limits.maximumSequences, budget > 0, !waiting.isEmpty {
      guard let position = nextAdmission(admission) else { return }
      let slot = waiting[position]
      // What was planned ahead stands; with nobody running nothing was.
      if sequences[Int(slot)].earliestStep > plannedSteps, !running.isEmpty { return }
      if sequences[Int(slot)].swap != .none {
        guard sequences[Int(slot)].swap == .host, swapIn(slot) else { return }
        waiting.remove(at: position)
        running.append(slot)
        continue
      }
      takePrefix(slot)
      guard let tokens = schedule(slot, budget: budget), tokens > 0 else {
        dropPrefix(slot)
        return
      }
      noteAdmission(slot)
      budget -= tokens
      waiting.remove(at: position)
      running.append(slot)
    }
  }

  /// Asks the policy; its view of the queue is gone before anything changes.
  private func nextAdmission(_ admission: any AdmissionPolicy) -> Int? {
    admission.next(
      waiting: Queue(slots: waiting, sequences: sequences), running: running.count)
  }

  /// The waiting requests as an admission policy sees them.
  struct Queue: WaitingQueue {
    let slots: Deque<Int32>
    let sequences: [SequenceState]
    var count: Int { slots.count }
    subscript(position: Int) -> WaitingRequest {
      let sequence = sequences[Int(slots[position])]
      return WaitingRequest(
        number: sequence.request.number, promptTokens: sequence.prefillTarget,
        outputTokens: Int(sequence.request.outputTokens) - sequence.produced,
        arrival: sequence.request.arrivalNanoseconds, expertKey: sequence.expertKey)
    }
  }
}
