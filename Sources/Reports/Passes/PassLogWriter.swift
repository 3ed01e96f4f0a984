// SPDX-License-Identifier: GPL-3.0-or-later

import Records
public import Serving

/// Writes a run's forward passes in the shape of MoE-CAP's records, as JSON Lines; docs/passes-format.md
/// describes the keys.
///
/// The first write that fails is kept and thrown by ``finish()``; the file gets its name only there.
/// Copies share the file.
public struct PassLogWriter: PassSink {
  private final class File {
    let output: OutputWriter
    var failure: WriteFailure?
    var lines = 0
    init(_ output: OutputWriter) { self.output = output }

    func write(_ text: String) {
      guard failure == nil else { return }
      lines += 1
      do throws(WriteFailure) { try output.write(text) } catch { failure = error }
    }
  }

  private let file: File
  private let experts: Int
  /// The keys that are the same in every line.
  private let machine: String

  /// A log that goes to a file.
  ///
  /// - Parameters:
  ///   - path: The file, which is replaced when the log is finished.
  ///   - configuration: What is run.
  public init(path: String, configuration: ServingConfiguration) throws(WriteFailure) {
    file = File(try OutputWriter(path: path))
    experts = configuration.model.expertCount
    let parts = configuration.figures.parts
    let device = (parts.first { $0.kind == .gpu } ?? parts.first)?.name
    let name = JSONText.quoted(device ?? configuration.figures.name)
    let gpus = max(configuration.devices, configuration.division.gpus)
    machine = "\"gpu_num\":\(gpus),\"gpu_raw_type\":\(name)"
  }

  /// Writes one pass.
  public mutating func take(_ record: PassRecord) {
    let latency = SecondsText.string(nanoseconds: record.ended - record.began)
    let context = record.entries.reduce(0) { $0 + $1.total }
    var members = [
      "\"index\":\(file.lines)", "\"forward_pass_id\":\(record.number)",
      "\"forward_mode\":\"\(record.mode.name)\"", "\"batch_size\":\(record.entries.count)",
      "\"latency\":\(latency)", "\"seq_lens_sum\":\(context)",
      "\"scheduled_tokens\":\(record.tokens)",
      "\"expert_activation\":\(Self.number(record.activatedExperts))",
    ]
    if experts > 0 {
      let share = record.activatedExperts / Double(experts)
      members.append("\"expert_utilization\":\(Self.number(share))")
    }
    members.append(machine)
    members.append("\"\(record.mode == .prefill ? "ttft" : "tpot")\":\(latency)")
    let identifiers = record.entries.map { "\"\($0.request)\"" }
    members.append("\"req_ids\":[\(identifiers.joined(separator: ","))]")
    let prompts = record.entries.filter(\.isPrefill).map { entry in
      "{\"req_id\":\"\(entry.request)\",\"extend_len\":\(entry.tokens),\"total_len\":\(entry.total)"
        + ",\"prompt_len\":\(entry.prompt),\"is_last_chunk\":\(entry.isLastChunk)}"
    }
    if !prompts.isEmpty { members.append("\"per_req_info\":[\(prompts.joined(separator: ","))]") }
    members += [
      "\"began_s\":\(SecondsText.string(nanoseconds: record.began))",
      "\"weight_bytes\":\(Int64(record.weightBytes.rounded()))",
      "\"kv_bytes\":\(Int64(record.keyValueBytes.rounded()))",
      "\"flop\":\(Int64(record.flop.rounded()))",
    ]
    file.write("{\(members.joined(separator: ","))}\n")
  }

  private static func number(_ value: Double) -> String {
    plainDecimal(Resolution.round(value, decimals: 6))
  }

  /// Ends the log and gives the file its name.
  public func finish() throws(WriteFailure) {
    if let failure = file.failure {
      file.output.abandon()
      throw failure
    }
    try file.output.finish()
  }
}
