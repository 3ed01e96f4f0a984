// SPDX-License-Identifier: GPL-3.0-or-later

import SimulationKernel

extension SimulationResult {
  /// What one GPU did over the measured time, of several among which experts are dealt out.
  ///
  /// A layer ends when the last GPU has computed its experts: what a GPU waits for others shows who
  /// the straggler is.
  public struct DeviceReport: Codable, Sendable, Equatable {
    /// The GPU, "gpu0"; of a group that cuts experts among its GPUs, its first.
    public var name: String
    /// GPUs that it stands for.
    public var gpus: Int
    /// Time in which it computed or took part in a sum [s].
    public var busySeconds: Double
    /// Time in which, between a layer's gate and its last own expert, it computed none [s].
    public var waitingForExpertsSeconds: Double
    /// Time between its last own expert of a layer and the last of all [s].
    public var waitingForOthersSeconds: Double
    /// Bytes of experts loaded over its link.
    public var bytesLoaded: Int64

    /// The record of these values.
    public init(
      name: String, gpus: Int, busySeconds: Double, waitingForExpertsSeconds: Double,
      waitingForOthersSeconds: Double, bytesLoaded: Int64
    ) {
      self.name = name
      self.gpus = gpus
      self.busySeconds = busySeconds
      self.waitingForExpertsSeconds = waitingForExpertsSeconds
      self.waitingForOthersSeconds = waitingForOthersSeconds
      self.bytesLoaded = bytesLoaded
    }
  }
}

extension ServingEngine {
  /// What each device did and waited for; `nil` with one.
  func deviceReports(seconds: Double, end: UInt64) -> [SimulationResult.DeviceReport]? {
    guard deviceCount > 1, let waited = group else { return nil }
    let purposes = TransferPurpose.allCases.count
    var reports: [SimulationResult.DeviceReport] = []
    for (number, device) in machine.devices.enumerated() {
      let statistics = network.statistics(
        of: device.compute, at: SimulatedTime(nanoseconds: end))
      var loaded: Int64 = 0
      for purpose in [TransferPurpose.demand, .prefetch] {
        loaded += counters.linkBytes[number * purposes + Int(purpose.rawValue)]
      }
      reports.append(
        .init(
          name: "gpu\(device.gpu)", gpus: machine.shards,
          busySeconds: statistics.busyTime.seconds,
          waitingForExpertsSeconds: Double(waited.waitedForExperts[number]) * 1e-9,
          waitingForOthersSeconds: Double(waited.waitedForOthers[number]) * 1e-9,
          bytesLoaded: loaded))
    }
    return reports
  }
}
