// SPDX-License-Identifier: GPL-3.0-or-later

extension MeasuredKernel {
  /// The columns without which a row of this kernel has no shape.
  public var requiredKeys: [KernelMeasurement.CodingKeys] {
    switch self {
    case .gemm: [.m, .n, .k]
    case .gemv: [.n, .k]
    case .fusedExperts: [.tokens, .experts, .topK, .hidden, .width]
    case .groupedGEMM: [.tokens, .experts, .topK, .n, .k]
    case .attentionPrefill: [.batch, .query, .heads, .kvHeads, .headSize]
    case .attentionDecode: [.batch, .past, .heads, .kvHeads, .headSize]
    case .latentAttentionPrefill: [.batch, .query, .heads, .headSize]
    case .latentAttentionDecode: [.batch, .past, .heads, .headSize]
    case .linearAttention: [.batch, .query]
    case .gate: [.tokens, .experts, .topK, .hidden]
    case .elementwise, .embedding: [.tokens, .hidden]
    case .copy: [.bytes, .direction]
    case .stream, .sendReceive: [.bytes]
    case .read: [.bytes, .queueDepth]
    case .modelPrefill, .modelDecode: [.model, .batch, .query]
    case .launch: []
    case .allReduce, .allGather, .reduceScatter: [.bytes, .devices]
    // Of an exchange of tokens, `bytes` or `tokens`, `top_k` and `hidden`: see `fault`.
    case .allToAll: [.devices]
    }
  }
}

extension KernelMeasurement {
  /// What is wrong with a row whose values each are right, if anything.
  struct Fault: Equatable {
    var key: CodingKeys
    var message: String
  }

  /// The first thing that does not fit.
  var fault: Fault? {
    for key in kernel.requiredKeys where TimingColumn.all[key.index].value(of: self) == nil {
      return Fault(key: key, message: "is missing; a row of '\(kernel.rawValue)' needs it")
    }
    if kernel == .allToAll, bytes == nil, tokens == nil || topK == nil || hidden == nil {
      return Fault(
        key: .bytes,
        message: "is missing; a row of 'all_to_all' needs it, or tokens, top_k and hidden")
    }
    if let minimum, minimum > median {
      return Fault(
        key: .minimum, message: "expected at most median_s, \(median); found \(minimum)")
    }
    if let maximum, maximum < median {
      return Fault(
        key: .maximum, message: "expected at least median_s, \(median); found \(maximum)")
    }
    if let experts {
      if let totalExperts, totalExperts < experts {
        return Fault(
          key: .totalExperts,
          message: "expected at least experts, \(experts); found \(totalExperts)"
        )
      }
      if let activated, activated > experts {
        return Fault(
          key: .activated, message: "expected at most experts, \(experts); found \(activated)")
      }
      if let topK, topK > totalExperts ?? experts {
        return Fault(
          key: .topK,
          message: "expected at most the experts, \(totalExperts ?? experts); found \(topK)")
      }
    }
    return nil
  }
}

extension KernelMeasurement.CodingKeys {
  /// The place among all keys.
  var index: Int { Self.places[rawValue]! }

  private static let places: [String: Int] = Dictionary(
    uniqueKeysWithValues: allCases.enumerated().map { ($0.element.rawValue, $0.offset) })

  /// The key of a name in files.
  static func named(_ name: String) -> Int? { places[name] }
}
