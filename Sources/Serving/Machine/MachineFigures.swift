// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware

/// The rates and sizes of a machine that the engine runs on: achievable figures, plain numbers.
///
/// Made of a hardware profile; what a re-run makes faster is changed here.
public struct MachineFigures: Sendable {
  /// A drive under host memory.
  public struct Drive: Sendable {
    /// Its capacity [bytes].
    public var capacityBytes: Int64
    /// What it delivers in all [bytes/s].
    public var bandwidth: Double
    /// Requests that it serves at once.
    public var lanes: Int
    /// The time before a request's first byte [s].
    public var latencySeconds: Double
    /// What one request at a time delivers, latency of its parts included [bytes/s].
    public var laneRate: Double
    /// The size of one request [bytes].
    public var requestBytes: Double
  }

  /// A part with a price and a power.
  public struct Part: Sendable {
    /// The part, "RTX 4090".
    public var name: String
    /// The resource whose utilisation sets its power; `nil` for a part that always draws `full`.
    public var resource: String?
    /// A second resource that it is: the busier of the two sets its power.
    public var otherResource: String?
    /// Its purchase price [USD], where known.
    public var purchaseUSD: Double?
    /// Its power when idle [W].
    public var idleWatts: Double
    /// Its power at full load [W].
    public var fullWatts: Double
    /// What kind of part it is.
    public var kind = BillItem.Kind.gpu
    /// How many of it the machine has, each with this price and power.
    public var count = 1
    /// Where its price is from; empty without one.
    public var priceSource = ""

    /// Whether it draws power as GPUs are busy.
    var followsGPU: Bool { kind != .link && resource?.hasPrefix("gpu") == true }

    /// What all of it draws at a utilisation [W].
    func watts(utilization: Double) -> Double {
      Double(count) * (idleWatts + (fullWatts - idleWatts) * min(1, utilization))
    }
  }

  /// The machine's name.
  public var name: String
  /// Whether device and host share one memory.
  public var isUnified: Bool
  /// The device's memory [bytes].
  public var deviceMemoryBytes: Int64
  /// The device memory's nominal bandwidth [bytes/s].
  public var deviceBandwidth: Double
  /// The rate of a pinned copy over the link, each way [bytes/s].
  public var linkRate: Double
  /// The time before a copy's first byte [s].
  public var linkLatencySeconds: Double
  /// Whether both directions run at full rate at once.
  public var linkIsFullDuplex: Bool
  /// The rate of the copy from pageable to pinned memory [bytes/s].
  public var stagingRate: Double
  /// Host memory [bytes].
  public var hostMemoryBytes: Int64
  /// What the system keeps of host memory, beside `hostMemoryBytes` [bytes].
  public var hostReservedBytes: Int64 = 0
  /// What the driver keeps of device memory, beside `deviceMemoryBytes` [bytes].
  public var deviceReservedBytes: Int64 = 0
  /// The host memory's achievable bandwidth [bytes/s].
  public var hostBandwidth: Double
  /// Streaming multiprocessors of the device, for kernels that share it.
  public var multiprocessors = 1
  /// What the device exchanges with its peers, each way [bytes/s]; 0 without peers.
  public var peerRate = 0.0
  /// The time before a message to a peer arrives [s].
  public var peerLatencySeconds = 0.0
  /// What the links of all devices together carry, both directions [B/s]; `nil` when only host memory
  /// limits them.
  public var rootComplexRate: Double?
  /// The rate of a near-data device's memory [bytes/s], where one holds the experts; `hostMemoryBytes`
  /// is then its capacity.
  public var nearDataBandwidth: Double?
  /// How reports call the memory that experts are stored in beside the device's.
  var expertMemoryName: String { nearDataBandwidth == nil ? "host.dram" : "neardata.memory" }
  /// The drive, if there is one.
  public var drive: Drive?
  /// What is bought and powered.
  public var parts: [Part]
  /// The rent of the machine [USD/h], where known.
  public var rentUSDPerHour: Double?
  /// Figures among these that are assumptions, as sentences.
  public var assumptions: [String]
}

/// Something that a re-run makes faster, to see what it would help.
public enum SpeedUp: String, Sendable, CaseIterable {
  /// The device's arithmetic.
  case compute
  /// The device memory's bandwidth.
  case deviceMemory
  /// The link between host and device.
  case link
  /// The link between devices.
  case peers
  /// Host memory's bandwidth, and the staging copy with it.
  case hostMemory
  /// The drive.
  case drive
  /// The software: launches, framework, scheduling.
  case software

  /// The thing's name in a report.
  public var title: String {
    switch self {
    case .compute: "GPU arithmetic"
    case .deviceMemory: "GPU memory bandwidth"
    case .link: "host–GPU link"
    case .peers: "GPU–GPU link"
    case .hostMemory: "host memory bandwidth"
    case .drive: "drive"
    case .software: "software overhead"
    }
  }
}
