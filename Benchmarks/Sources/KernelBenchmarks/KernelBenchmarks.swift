// SPDX-License-Identifier: GPL-3.0-or-later

import CxxTwins

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Compares the kernel with C++ twins, in turn over several rounds.
@main
struct KernelBenchmarks {
  static let usage = """
    usage: KernelBenchmarks [--rounds N] [--scale F] [hold] [network] [mm1]
             compares the kernel with C++ twins
           KernelBenchmarks once PROGRAM COUNT
             runs one program once, to be counted by callgrind
    """

  let table: UnsafePointer<UInt32>
  var rounds = 5
  var scale = 1.0
  var chosen: Set<String> = []

  static func main() {
    var program = KernelBenchmarks(table: makeIncrements())
    let arguments = Array(CommandLine.arguments.dropFirst())
    if arguments.first == "once", arguments.count == 3, let count = UInt64(arguments[2]),
      let result = program.runOnce(arguments[1], count)
    {
      print(result.checksum, result.endTime)
      return
    }
    guard program.read(arguments) else {
      print(usage)
      exit(64)
    }
    exit(program.compareAll() ? 0 : 1)
  }

  mutating func read(_ arguments: [String]) -> Bool {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--rounds":
        guard let value = rest.popFirst().flatMap({ Int($0) }), value > 0 else { return false }
        rounds = value
      case "--scale":
        guard let value = rest.popFirst().flatMap({ Double($0) }), value > 0 else { return false }
        scale = value
      case "hold", "network", "mm1": chosen.insert(argument)
      default: return false
      }
    }
    return true
  }

  func isChosen(_ name: String) -> Bool { chosen.isEmpty || chosen.contains(name) }

  func scaled(_ count: Double) -> UInt64 { UInt64(max(1000, count * scale)) }

  /// Runs one program with `count` steps; the sizes are fixed.
  func runOnce(_ program: String, _ count: UInt64) -> TwinResult? {
    switch program {
    case "hold": HoldModel.run(pending: 1000, count: count, increments: table)
    case "network":
      NetworkModel.run(customers: 1000, stations: 500, cycles: count, increments: table)
    case "transfers":
      NetworkModel.run(
        customers: 1000, stations: 500, cycles: count, transfers: true, increments: table)
    case "mm1": MM1Model.run(customers: count, increments: table)
    case "cxx-hold-priority-queue": twin_hold_priority_queue(1000, count, table)
    case "cxx-hold": twin_hold_heap16(1000, count, table)
    case "cxx-hold-replace": twin_hold_heap16_replace(1000, count, table)
    case "cxx-network": twin_network_heap16(1000, 500, count, table)
    case "cxx-mm1": twin_mm1_heap16(count, table)
    default: nil
    }
  }

  func compareAll() -> Bool {
    var isSame = true
    if isChosen("hold") {
      for (pending, count) in [(100, 8e6), (10_000, 6e6), (1_000_000, 3e6)] {
        isSame = compareHold(pending: UInt64(pending), count: scaled(count)) && isSame
      }
    }
    if isChosen("network") { isSame = compareNetwork(cycles: scaled(5e6)) && isSame }
    if isChosen("mm1") { isSame = compareMM1(customers: scaled(5e6)) && isSame }
    return isSame
  }

  func compareHold(pending: UInt64, count: UInt64) -> Bool {
    compare(
      "Hold model, \(pending) pending", unit: "holds", count: count, rounds: rounds,
      [
        Contender(name: "moesim Simulation") {
          HoldModel.run(pending: pending, count: count, increments: table)
        },
        Contender(name: "C++ std::priority_queue") {
          twin_hold_priority_queue(pending, count, table)
        },
        Contender(name: "C++ 16-byte 4-ary heap") { twin_hold_heap16(pending, count, table) },
        Contender(name: "C++ 16-byte 4-ary heap, replace") {
          twin_hold_heap16_replace(pending, count, table)
        },
      ])
  }

  func compareNetwork(cycles: UInt64) -> Bool {
    compare(
      "Closed network, 1000 customers, 500 stations", unit: "cycles", count: cycles,
      rounds: rounds,
      [
        Contender(name: "moesim OperationNetwork") {
          NetworkModel.run(customers: 1000, stations: 500, cycles: cycles, increments: table)
        },
        Contender(name: "moesim, transfers over 2 bandwidths") {
          NetworkModel.run(
            customers: 1000, stations: 500, cycles: cycles, transfers: true, increments: table)
        },
        Contender(name: "C++ structs, std::priority_queue") {
          twin_network_priority_queue(1000, 500, cycles, table)
        },
        Contender(name: "C++ structs, 16-byte 4-ary heap") {
          twin_network_heap16(1000, 500, cycles, table)
        },
      ])
  }

  func compareMM1(customers: UInt64) -> Bool {
    compare(
      "M/M/1, load 0.75", unit: "customers", count: customers, rounds: rounds,
      [
        Contender(name: "moesim OperationNetwork") {
          MM1Model.run(customers: customers, increments: table)
        },
        Contender(name: "C++ structs, std::priority_queue") {
          twin_mm1_priority_queue(customers, table)
        },
        Contender(name: "C++ structs, 16-byte 4-ary heap") { twin_mm1_heap16(customers, table) },
      ])
  }
}
