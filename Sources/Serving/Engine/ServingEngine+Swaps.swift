// SPDX-License-Identifier: GPL-3.0-or-later

import SimulationKernel

/// The moves of keys and values under way, by slot; a recycled arena.
struct SwapTable {
  private var moves: [SwapMove] = []
  private var free: [Int32] = []

  /// Takes up a move and returns its slot.
  mutating func insert(_ move: SwapMove) -> Int {
    if let slot = free.popLast() {
      moves[Int(slot)] = move
      return Int(slot)
    }
    moves.append(move)
    return moves.count - 1
  }

  /// Takes out a move that has ended.
  mutating func remove(_ slot: Int) -> SwapMove {
    free.append(Int32(slot))
    return moves[slot]
  }
}

extension ServingEngine {
  /// Starts the moves of keys and values that planning a step has decided, and notes when nothing but
  /// such moves is waited for.
  mutating func moveKeysAndValues(in simulation: inout Simulation<EngineEvent>) {
    let now = simulation.now.nanoseconds
    for index in 0..<(batch.swap?.moves.count ?? 0) {
      start(batch.swap!.moves[index], in: &simulation)
    }
    batch.takeSwaps { _ in }
    if batch.entries.isEmpty {
      if batch.awaitsSwap, swapWaitBegan == nil { swapWaitBegan = now }
    } else if let began = swapWaitBegan {
      counters.stalls.add(now - began, to: .keyValueSwap)
      swapWaitBegan = nil
    }
  }

  /// Submits the copy of one move: to the host less urgent than all loads, back as urgent as a
  /// prefetch, so that experts that a step waits for overtake it at the next block's end.
  private mutating func start(
    _ move: SwapMove, in simulation: inout Simulation<EngineEvent>
  ) {
    let slot = swapsUnderWay.insert(move)
    var copy = OperationDescription(
      work: Double(move.bytes), maximumRate: machine.linkRate, latency: machine.linkLatency,
      tag: OperationTag(.keyValueSwap, index: slot).bits,
      priority: move.isOut ? TransferPriority.writeBack : TransferPriority.prefetch,
      quantum: Double(keyValueBlockBytes))
    copy.hold(move.isOut ? machine.deviceToHost : machine.hostToDevice)
    copy.consume(move.isOut ? machine.linkUp : machine.linkDown)
    copy.consume(machine.dram, weight: Double(machine.shards))
    if let rootComplex = machine.rootComplex {
      copy.consume(rootComplex, weight: Double(machine.shards))
    }
    _ = network.submit(copy, in: &simulation)
  }

  /// Keys and values have arrived where they were to go.
  mutating func swapEnded(
    _ slot: Int, end: OperationEnd, in simulation: inout Simulation<EngineEvent>
  ) {
    let move = swapsUnderWay.remove(slot)
    let purpose = move.isOut ? TransferPurpose.keyValueSwapOut : .keyValueSwap
    counters.moved(move.bytes, for: purpose, device: 0)
    counters.transferred(purpose, device: 0)
    batch.swapEnded(move)
    if !stepIsActive { beginStep(in: &simulation) }
  }
}
