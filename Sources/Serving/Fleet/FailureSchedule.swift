// SPDX-License-Identifier: GPL-3.0-or-later

internal import HeapModule
public import RandomStreams
public import SimulationKernel

/// A part of a fleet by kind and number; a link by its position among the names of links.
public struct FailingPart: BitwiseCopyable, Hashable, Sendable {
  /// The kind.
  public var kind: FailingKind
  /// The number within the kind.
  public var index: Int32

  /// A part.
  public init(_ kind: FailingKind, _ index: Int) {
    self.kind = kind
    self.index = Int32(index)
  }
}

/// That a part fails, degrades or recovers.
public struct FailureEvent: BitwiseCopyable, Hashable, Sendable {
  /// When.
  public var time: SimulatedTime
  /// What.
  public var part: FailingPart
  /// What is left of its rate from now on: 0 when it is gone, 1 when it is whole.
  public var factor: Double

  /// Whether the part is gone.
  public var isDown: Bool { factor == 0 }
  /// Whether the part is whole again.
  public var isRecovery: Bool { factor == 1 }
}

/// The failures and recoveries of a fleet, in order of time.
///
/// Several entries may be about the same part: what is left of it is the least that any of them leaves,
/// and an event is told only when that changes. Random failures are streams of the part that fails,
/// whatever else happens. Without random entries the schedule ends; with some it does not.
///
/// - Complexity: O(log n) for each event, n being the entries times the parts that each is about.
public struct FailureSchedule: Sendable {
  private struct Process {
    let part: Int32
    let factor: Double
    let meanBetween: Double
    let meanRepair: Double
    var stream: RandomStream
    var isActive = false
    /// The length of the one failure [ns]; `nil` when it does not end. Of no use where it is random.
    let length: UInt64?
    let isRandom: Bool
  }

  private struct Change: Comparable {
    let nanoseconds: UInt64
    let process: Int32

    static func < (left: Change, right: Change) -> Bool {
      (left.nanoseconds, left.process) < (right.nanoseconds, right.process)
    }
  }

  private var processes: [Process] = []
  /// The parts that something is scheduled for, and what is left of each.
  private var parts: [FailingPart] = []
  private var factors: [Double] = []
  /// The processes of each part.
  private var processesOfPart: [[Int32]] = []
  private var changes = Heap<Change>()

  /// Lays out the failures of a fleet.
  ///
  /// - Throws: `FailureSettings.Problem` for the first entry about something that the fleet lacks.
  public init(
    _ settings: FailureSettings, population: FailureSettings.Population, seed: UInt64,
    replication: UInt32
  ) throws(FailureSettings.Problem) {
    let stream = RandomStream(seed: seed, replication: replication, purpose: .failures, entity: 0)
    for (position, entry) in settings.entries.enumerated() {
      for part in try Self.parts(of: entry.subject, entry: position, in: population) {
        add(entry, for: part, stream: stream)
      }
    }
  }

  /// Whether nothing ever fails, or nothing more.
  public var isEmpty: Bool { changes.isEmpty }

  /// The next event, in order of time, parts of one instant in the order of the entries; `nil` when
  /// there is none.
  public mutating func next() -> FailureEvent? {
    while let change = changes.popMin() {
      let index = Int(change.process)
      let part = Int(processes[index].part)
      processes[index].isActive.toggle()
      if let wait = wait(of: index) {
        let (time, overflows) = change.nanoseconds.addingReportingOverflow(wait)
        if !overflows { changes.insert(Change(nanoseconds: time, process: change.process)) }
      }
      var factor = 1.0
      for other in processesOfPart[part] where processes[Int(other)].isActive {
        factor = min(factor, processes[Int(other)].factor)
      }
      guard factor != factors[part] else { continue }
      factors[part] = factor
      return FailureEvent(
        time: SimulatedTime(nanoseconds: change.nanoseconds), part: parts[part], factor: factor)
    }
    return nil
  }

  /// How long a process stays as it is [ns]; `nil` for ever.
  private mutating func wait(of index: Int) -> UInt64? {
    let process = processes[index]
    guard process.isRandom else { return process.isActive ? process.length : nil }
    return Self.draw(
      process.isActive ? process.meanRepair : process.meanBetween, &processes[index].stream)
  }

  private static func draw(_ mean: Double, _ stream: inout RandomStream) -> UInt64 {
    // At least a nanosecond, so that a failure and its end are two instants.
    max(1, SimulatedDuration(seconds: stream.exponential(mean: mean)).nanoseconds)
  }

  private mutating func add(
    _ entry: FailureSettings.Entry, for part: FailingPart, stream: RandomStream
  ) {
    var slot = parts.count
    if let known = parts.firstIndex(of: part) {
      slot = known
    } else {
      parts.append(part)
      factors.append(1)
      processesOfPart.append([])
    }
    // Entries about one part draw from streams of their own: 8 bits of kind, 24 of the entry
    // among those about the part, 32 of part. Entries about others change none of its draws.
    let entity =
      UInt64(part.kind.rawValue) << 56 | UInt64(processesOfPart[slot].count) << 32
      | UInt64(UInt32(part.index))
    var own = stream.forEntity(entity)
    let index = Int32(processes.count)
    let begin: UInt64
    let process: Process
    switch entry.occurrence {
    case .once(let at, let length):
      begin = SimulatedTime(seconds: at).nanoseconds
      process = Process(
        part: Int32(slot), factor: entry.factor, meanBetween: 0, meanRepair: 0, stream: own,
        length: length.map { SimulatedDuration(seconds: $0).nanoseconds }, isRandom: false)
    case .random(let between, let repair):
      begin = Self.draw(between, &own)
      process = Process(
        part: Int32(slot), factor: entry.factor, meanBetween: between, meanRepair: repair,
        stream: own, length: nil, isRandom: true)
    }
    processes.append(process)
    processesOfPart[slot].append(index)
    changes.insert(Change(nanoseconds: begin, process: index))
  }

  private static func parts(
    of subject: FailureSettings.Subject, entry: Int, in population: FailureSettings.Population
  ) throws(FailureSettings.Problem) -> [FailingPart] {
    switch subject {
    case .every(let kind):
      let count = population.count(of: kind)
      guard count > 0 else {
        throw FailureSettings.Problem(
          entry: entry, message: "there is no \(kind.word) in this fleet that could fail")
      }
      return (0..<count).map { FailingPart(kind, $0) }
    case .part(let kind, let index):
      let count = population.count(of: kind)
      guard index < count else {
        let there =
          count == 0
          ? "none is in this fleet" : count == 1 ? "only 0 is there" : "there are 0 to \(count - 1)"
        throw FailureSettings.Problem(
          entry: entry, message: "there is no \(kind.word) \(index); \(there)")
      }
      return [FailingPart(kind, index)]
    case .link(let name):
      guard let index = population.links.firstIndex(of: name) else {
        let shown = population.links.prefix(8).joined(separator: ", ")
        let more = population.links.count > 8 ? ", … (\(population.links.count) in all)" : ""
        throw FailureSettings.Problem(
          entry: entry,
          message: "there is no link '\(name)'; "
            + (population.links.isEmpty ? "this fleet has none" : "there are \(shown)\(more)"))
      }
      return [FailingPart(.link, index)]
    }
  }
}
