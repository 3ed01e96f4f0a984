// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency

/// The activated experts of the layer under way: who is ready, who is waited for.
struct LayerSet {
  /// One activated expert.
  struct Member: BitwiseCopyable {
    var block: BlockID
    var expert: Int32
    /// Tokens of the step that chose it.
    var tokens: Int32
    var status: Status
    /// The version in which it is computed.
    var version: UInt8 = 0
    /// The device that computes it, of several.
    var device: UInt16 = 0
    /// Whether it is computed where it is stored, and not on the device.
    var isRemote = false
    /// Whether it stands in a staging buffer and is dropped after use.
    var isTransient = false
    /// Whether it is computed in the layer's grouped kernel.
    var isGrouped = false
  }

  /// Where an activated expert stands.
  enum Status: UInt8 {
    /// It has not been asked for yet; members are asked for one by one.
    case pending
    /// Its weights are not there yet, or another device has not computed it yet.
    case waiting
    /// Its weights are there, and no operation has been emitted for it.
    case ready
    /// Its computation is under way.
    case computing
    /// It has been computed.
    case done
  }

  /// The members, heaviest gate weight first.
  var members: [Member] = []
  /// The place in `members` of each expert of the layer, or -1.
  private var placeOfExpert: [Int32]
  /// Members whose weights are not there yet, or that another device has not computed yet.
  private(set) var waitingCount = 0
  /// Those of them whose weights are waited for.
  private(set) var waitingOnDevice = 0
  /// Members that have not been computed.
  var openCount = 0
  /// Of each device, members whose weights are waited for, and members not yet computed there; empty
  /// where there is one device.
  private(set) var waitingOnDevices: [Int32] = []
  private(set) var openOnDevices: [Int32] = []
  /// How the layer's experts become operations.
  var emission = ExpertEmission.groupedWhenAllReady
  /// The MoE layer's index among the MoE layers.
  var mixtureLayer = 0
  /// The layer's index among all layers.
  var layer = 0

  /// A set for layers of `experts` experts.
  init(experts: Int, devices: Int = 1) {
    if devices > 1 {
      waitingOnDevices = [Int32](repeating: 0, count: devices)
      openOnDevices = waitingOnDevices
    }
    placeOfExpert = [Int32](repeating: -1, count: experts)
    members.reserveCapacity(experts)
  }

  /// Empties the set for a new layer.
  mutating func begin(layer: Int, mixtureLayer: Int) {
    for member in members { placeOfExpert[Int(member.expert)] = -1 }
    members.removeAll(keepingCapacity: true)
    waitingCount = 0
    waitingOnDevice = 0
    openCount = 0
    for device in waitingOnDevices.indices {
      waitingOnDevices[device] = 0
      openOnDevices[device] = 0
    }
    self.layer = layer
    self.mixtureLayer = mixtureLayer
  }

  /// Adds a member.
  mutating func append(_ member: Member) {
    placeOfExpert[Int(member.expert)] = Int32(members.count)
    members.append(member)
    openCount += 1
    if !openOnDevices.isEmpty, !member.isRemote { openOnDevices[Int(member.device)] += 1 }
    if member.status == .waiting { count(waiting: 1, member) }
  }

  private mutating func count(waiting change: Int, _ member: Member) {
    waitingCount += change
    guard !member.isRemote else { return }
    waitingOnDevice += change
    if !waitingOnDevices.isEmpty { waitingOnDevices[Int(member.device)] += Int32(change) }
  }

  /// A member has been computed.
  ///
  /// - Returns: Whether it was the last of its device, where there are several.
  mutating func computed(_ place: Int) -> Bool {
    members[place].status = .done
    openCount -= 1
    guard !openOnDevices.isEmpty, !members[place].isRemote else { return false }
    let device = Int(members[place].device)
    openOnDevices[device] -= 1
    return openOnDevices[device] == 0
  }

  /// What a member waited for is there.
  mutating func arrived(_ place: Int) {
    members[place].status = .ready
    count(waiting: -1, members[place])
  }

  /// A member has been asked for, and is not there.
  mutating func awaits(_ place: Int) {
    members[place].status = .waiting
    count(waiting: 1, members[place])
  }

  /// The place of an expert, if it is a member.
  @inline(__always)
  func place(ofExpert expert: Int) -> Int? {
    let place = placeOfExpert[expert]
    return place < 0 ? nil : Int(place)
  }
}
