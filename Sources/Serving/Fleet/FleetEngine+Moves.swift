// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware
import KernelTiming
import Policies
import SimulationKernel

/// Keys and values of one sequence on their way to the replica that decodes it.
struct KeyValueMove {
  /// The sequence, its prompt computed and its first token out.
  var sequence: SequenceState
  /// Where it is held until it has arrived.
  var source: Int
  var sourceEpoch: UInt32
  var lane: Int
  var rank: Int
  var slot: Int32
  /// Where it goes; -1 while nobody takes it.
  var target = -1
  var targetEpoch: UInt32 = 0
  /// Parts that are under way: one for each GPU of the source's rank.
  var parts = 0
  var began: UInt64
  var isOpen = true
}

extension FleetEngine {
  /// Sends a sequence whose prompt is computed to a replica that decodes.
  mutating func moveOut(
    _ index: Int, lane: Int, rank: Int, slot: Int32, in simulation: inout Simulation<FleetEvent>
  ) {
    let sequence = replicas[index].lanes[lane].ranks[rank][slot]
    replicas[index].lanes[lane].ranks[rank].hold(slot)
    // What is left of it is another replica's work.
    replicas[index].outstandingTokens -=
      Int64(sequence.request.outputTokens) - Int64(sequence.produced)
    let move = KeyValueMove(
      sequence: sequence, source: index, sourceEpoch: replicas[index].epoch, lane: lane,
      rank: rank, slot: slot, began: simulation.now.nanoseconds)
    let number: Int32
    if let reused = freeMoves.popLast() {
      number = reused
      moves[Int(reused)] = move
    } else {
      number = Int32(moves.count)
      moves.append(move)
    }
    if !begin(move: number, in: &simulation) { waitingMoves.append(number) }
  }

  /// Begins the moves that found nobody to decode them.
  mutating func beginWaitingMoves(in simulation: inout Simulation<FleetEvent>) {
    while let number = waitingMoves.first, begin(move: number, in: &simulation) {
      waitingMoves.removeFirst()
    }
  }

  /// Chooses who decodes a sequence, and sends its keys and values: each GPU of the rank its part, over
  /// the fleet's links.
  private mutating func begin(
    move number: Int32, in simulation: inout Simulation<FleetEvent>
  ) -> Bool {
    let move = moves[Int(number)]
    guard replicas[move.source].epoch == move.sourceEpoch else {
      abandon(number, in: &simulation)
      return true
    }
    var ticket = Ticket(sequence: move.sequence)
    ticket.part = .decode
    ticket.model = configuration.groups[replicas[move.source].group].modelNumber
    guard let target = chooseReplica(for: ticket, now: simulation.now.nanoseconds) else {
      return false
    }
    let from = configuration.groups[replicas[move.source].group].plan
    let to = configuration.groups[replicas[target].group].plan
    let bytes = Double(move.sequence.keyValueBytes)
    moves[Int(number)].target = target
    moves[Int(number)].targetEpoch = replicas[target].epoch
    moves[Int(number)].parts = from.tensor * from.pipeline
    let firstSource = replicas[move.source].firstDevice + move.rank * from.tensor
    let firstTarget = replicas[target].firstDevice
    for stage in 0..<from.pipeline {
      for part in 0..<from.tensor {
        let source = firstSource + stage * from.stageDevices + part
        // Its counterpart by place; where the plans differ, they are gone through in turn.
        let place = stage * from.tensor + part
        let device = firstTarget + place % to.devices
        var operation = links.copy(
          from: ClusterEndpoint.gpu(source), to: ClusterEndpoint.gpu(device), bytes: bytes,
          topology: configuration.topology)
        operation.tag = UInt64(number)
        _ = network.submit(operation, in: &simulation)
        counters.movedBytes += Int64(bytes)
      }
    }
    counters.moves += 1
    return true
  }

  /// A part of a sequence's keys and values has arrived.
  mutating func flowEnded(_ end: OperationEnd, in simulation: inout Simulation<FleetEvent>) {
    guard end.tag & Self.swapTag == 0 else { return swapEnded(end, in: &simulation) }
    let number = Int32(truncatingIfNeeded: end.tag)
    moves[Int(number)].parts -= 1
    guard moves[Int(number)].parts == 0 else { return }
    let move = moves[Int(number)]
    let isThere = replicas[move.source].epoch == move.sourceEpoch
    guard isThere else { return abandon(number, in: &simulation) }
    guard replicas[move.target].epoch == move.targetEpoch else {
      // The source still has it: it goes to another.
      if !begin(move: number, in: &simulation) { waitingMoves.append(number) }
      return
    }
    counters.moveSeconds += Double(simulation.now.nanoseconds - move.began) * 1e-9
    close(move: number)
    replicas[move.source].lanes[move.lane].ranks[move.rank].release(move.slot)
    var sequence = move.sequence
    sequence.keyValueBytes = 0
    enqueue(sequence, at: move.target, in: &simulation)
    wake(move.source, lane: move.lane, in: &simulation)
    stopIfDrained(move.source, in: &simulation)
  }

  /// A move whose source has failed: the prompt must be computed again.
  private mutating func abandon(
    _ number: Int32, in simulation: inout Simulation<FleetEvent>
  ) {
    let sequence = moves[Int(number)].sequence
    close(move: number)
    sendAgain(sequence, in: &simulation)
  }

  private mutating func close(move number: Int32) {
    moves[Int(number)].isOpen = false
    freeMoves.append(number)
  }
}
