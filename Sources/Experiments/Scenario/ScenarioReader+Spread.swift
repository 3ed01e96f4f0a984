// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Policies
import Serving

extension ScenarioReader {
  /// How replicas are spread over GPUs, and how many there are.
  func spread(_ reader: MappingReader, policy: ScenarioPolicy) -> ScenarioSpread {
    var spread = ScenarioSpread()
    spread.replicas = reader.int("replicas", in: 1...65_536) ?? 1
    spread.isBySchedule = ScenarioRoleNames.spreadingSchedules.contains(policy.schedule.name)
    if let parallelism = reader.mapping("parallelism") {
      spread.plan = plan(parallelism)
      if spread.isBySchedule { checkSchedule(spread, parallelism, policy) }
    }
    if spread.isBySchedule, spread.replicas > 1 {
      reader.report(
        "replicas",
        "\(spread.replicas) replicas, each with the schedule '\(policy.schedule.name)', which"
          + " decides whole steps of one; expected 1")
    }
    spread.dispatch =
      ExpertDispatch(
        rawValue: reader.choice(
          "expert_dispatch", among: ExpertDispatch.allCases.map(\.rawValue)) ?? "") ?? .allToAll
    spread.placement = expertPlacement(reader)
    spread.disaggregation = disaggregation(reader)
    return spread
  }

  /// The GPUs of a replica.
  func plan(_ reader: MappingReader) -> ParallelPlan {
    defer { reader.finish() }
    let tensor = reader.int("tensor", in: 1...1024) ?? 1
    let pipeline = reader.int("pipeline", in: 1...1024) ?? 1
    let data = reader.int("data", in: 1...4096) ?? 1
    let expert = reader.int("expert", in: 1...4096) ?? 1
    let isAlone = tensor * pipeline * data == 1
    guard isAlone || (tensor * data).isMultiple(of: expert) else {
      let divisors = (1...tensor * data).filter { (tensor * data).isMultiple(of: $0) }
      reader.report(
        "expert",
        "\(expert) groups of experts among tensor × data = \(tensor * data) GPUs; expected one of"
          + " \(divisors.map(String.init).joined(separator: ", "))")
      return .single
    }
    // Experts alone are spread over ranks that have attention of their own each.
    return ParallelPlan(
      tensor: tensor, pipeline: pipeline, data: isAlone ? expert : data, expert: expert)
  }

  /// A schedule of whole steps spreads experts alone.
  private func checkSchedule(
    _ spread: ScenarioSpread, _ reader: MappingReader, _ policy: ScenarioPolicy
  ) {
    for key in ["tensor", "pipeline", "data"] {
      guard let node = reader.node[key], let text = node.scalar, text != "1" else { continue }
      reader.report(
        key,
        "\(text) beside the schedule '\(policy.schedule.name)', which spreads experts alone;"
          + " expected 1")
    }
  }

  private func expertPlacement(_ reader: MappingReader) -> ExpertPlacement.Rule {
    if reader.node["expert_placement"]?.mapping != nil,
      let inner = reader.mapping("expert_placement")
    {
      defer { inner.finish() }
      return .balanced(copies: inner.requiredInt("copies", in: 0...65_536))
    }
    switch reader.choice("expert_placement", among: ["contiguous", "round-robin", "balanced"]) {
    case "round-robin": return .roundRobin
    case "balanced": return .balanced(copies: 0)
    default: return .contiguous
    }
  }

  private func disaggregation(_ top: MappingReader) -> ScenarioSpread.Disaggregation? {
    guard let reader = top.mapping("disaggregation") else { return nil }
    defer { reader.finish() }
    let side = { (key: String) -> (replicas: Int, plan: ParallelPlan) in
      let inner = MappingReader(reader.requiredChild(key), into: reader.collector)
      defer { inner.finish() }
      return (
        inner.int("replicas", in: 1...65_536) ?? 1,
        inner.mapping("parallelism").map { self.plan($0) } ?? .single
      )
    }
    return .init(prefill: side("prefill"), decode: side("decode"))
  }
}
