// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import SimulationKernel

/// What an engine keeps for devices among which a layer's experts are dealt out.
///
/// What is no routed expert every device does at the same time: one operation on the stream of each.
/// Between the gate and the sum behind the experts each goes its own way, and waits for the last.
struct DeviceLockstep {
  /// The last operation submitted to each device's stream, which the next one follows.
  var last: [OperationID?]
  /// The sum under way, on all devices: what comes next begins when it has ended everywhere.
  var sum: [OperationID] = []
  /// How each device's experts of the layer become operations.
  var emissions: [ExpertEmission]
  /// Where experts are asked for one by one, each device's next member.
  var nextMember: [Int]
  /// Of each device, members of the set that lost their room to others of it before they were used.
  var roomInUse: [Int]
  /// Whether a layer's experts are under way, and when its gate had decided and shared experts ended.
  private var isOpen = false
  private var opened: UInt64 = 0
  /// When each device had computed its experts, and how long it has computed them [ns].
  private var ended: [UInt64]
  private var busy: [UInt64]
  /// Over the measured time: waiting for experts, and for other devices [ns].
  private(set) var waitedForExperts: [UInt64]
  private(set) var waitedForOthers: [UInt64]

  /// The state of so many devices.
  init(devices: Int) {
    last = Array(repeating: nil, count: devices)
    emissions = Array(repeating: .groupedWhenAllReady, count: devices)
    nextMember = Array(repeating: 0, count: devices)
    roomInUse = nextMember
    ended = Array(repeating: 0, count: devices)
    busy = ended
    waitedForExperts = ended
    waitedForOthers = ended
  }

  /// Experts of a layer are about to be asked for one by one.
  mutating func beginOneByOne() {
    for device in nextMember.indices {
      nextMember[device] = 0
      emissions[device] = .residentThenEachAsReady
    }
  }

  /// A gate has decided; shared experts take so long before a device's own begin [ns].
  mutating func gateDecided(now: UInt64, shared: UInt64) {
    isOpen = true
    opened = now + shared
    for device in ended.indices {
      ended[device] = opened
      busy[device] = 0
    }
  }

  /// A device computes experts for so long [ns].
  mutating func computes(_ device: Int, _ nanoseconds: UInt64) { busy[device] += nanoseconds }

  /// A device has computed all of its experts of the layer.
  mutating func deviceEnded(_ device: Int, now: UInt64) { ended[device] = max(opened, now) }

  /// All devices have computed their experts.
  mutating func layerEnded(now: UInt64) {
    guard isOpen else { return }
    isOpen = false
    for device in ended.indices {
      let spent = ended[device] - opened
      waitedForExperts[device] += spent - min(spent, busy[device])
      waitedForOthers[device] += max(now, ended[device]) - ended[device]
    }
  }

  /// Forgets what was measured.
  mutating func resetReport() {
    for device in ended.indices {
      waitedForExperts[device] = 0
      waitedForOthers[device] = 0
    }
  }
}
