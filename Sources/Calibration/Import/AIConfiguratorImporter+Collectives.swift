// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

extension AIConfiguratorImporter.Context {
  private func start(_ kernel: MeasuredKernel, _ seconds: Double) -> KernelMeasurement {
    KernelMeasurement(device: device, kernel: kernel, median: seconds, source: source)
  }

  /// `message_size` is the bytes of nccl-tests over the bytes of a value, for every operation.
  func nccl(_ row: ImportTable) throws -> KernelMeasurement {
    let names: [(String, MeasuredKernel)] = [
      ("all_gather", .allGather), ("alltoall", .allToAll), ("reduce_scatter", .reduceScatter),
      ("all_reduce", .allReduce),
    ]
    let operation = row.text("op_name")
    guard let kernel = names.first(where: { $0.0 == operation })?.1 else {
      throw row.diagnostic(
        "op_name",
        "expected one of \(names.map(\.0).joined(separator: ", ")); found '\(operation)'")
    }
    var result = start(kernel, try row.number("latency") / 1e3)
    let version = row.text("version")
    result.implementation = version.isEmpty ? "nccl" : "nccl \(version)"
    return try message(result, row, precision: "nccl_dtype")
  }

  func allReduce(_ row: ImportTable) throws -> KernelMeasurement {
    var result = start(.allReduce, try row.number("latency") / 1e3)
    result.implementation = row.text("kernel_source")
    return try message(result, row, precision: "allreduce_dtype")
  }

  private func message(
    _ row: KernelMeasurement, _ table: ImportTable, precision column: String
  ) throws -> KernelMeasurement {
    var result = row
    let precision = try table.precision(column)
    guard let size = ImportedNames.bytes(of: precision) else {
      throw table.diagnostic(column, "expected a format of whole bytes; found '\(precision)'")
    }
    result.precision = precision
    result.bytes = try table.integer("message_size") * size
    result.devices = try table.integer("num_gpus")
    return result
  }

  /// DeepEP's kernels for decoding, which say their own bandwidth: bytes are that times the time.
  ///
  /// The collector uses all GPUs of its nodes and the table says only how many nodes: eight each is
  /// an assumption, true of the H100 SXM nodes that the published tables are from.
  func lowLatency(_ row: ImportTable) throws -> [KernelMeasurement] {
    try ["dispatch", "combine"].map { phase in
      let seconds = try row.number("\(phase)_avg_t_us") / 1e6
      var result = try exchanged(row, seconds, tokens: "num_token", topK: "num_topk")
      result.implementation = "deepep low latency \(phase)"
      result.bytes = Int((try row.number("\(phase)_bandwidth_gbps") * 1e9 * seconds).rounded())
      return result
    }
  }

  /// DeepEP's kernels for prompts. Which format was sent is in no column, so bytes stay absent.
  func normal(_ row: ImportTable) throws -> [KernelMeasurement] {
    try ["dispatch", "combine"].map { phase in
      let notify = Double(row.text("\(phase)_notify_us")) ?? 0
      let seconds = (try row.number("\(phase)_transmit_us") + max(0, notify)) / 1e6
      var result = try exchanged(row, seconds, tokens: "num_token", topK: "num_topk")
      result.implementation =
        "deepep normal \(phase), \(try row.integer("\(phase)_sms")) multiprocessors"
      return result
    }
  }

  /// The newer table of exchanges; `latency` is microseconds here.
  func exchange(_ row: ImportTable) throws -> KernelMeasurement {
    var result = try exchanged(
      row, try row.number("latency") / 1e6, tokens: "num_tokens", topK: "topk")
    let processors = try row.integer("sms", from: 0)
    result.implementation =
      "\(row.text("comm_backend")) \(row.text("phase"))"
      + (processors > 0 ? ", \(processors) multiprocessors" : "")
    result.devices = try row.integer("ep_size")
    result.devicesPerNode = try row.quotient("ep_size", by: row.integer("node_num"))
    return result
  }

  /// `num_token` tokens on each device, each sent to the devices of its experts.
  private func exchanged(
    _ row: ImportTable, _ seconds: Double, tokens: String, topK: String
  ) throws -> KernelMeasurement {
    var result = start(.allToAll, seconds)
    result.tokens = try row.integer(tokens)
    result.topK = try row.integer(topK)
    result.hidden = try row.integer("hidden_size")
    result.totalExperts = try row.integer("num_experts")
    result.devices = 8 * (try row.integer("node_num"))
    result.devicesPerNode = 8
    return result
  }
}
