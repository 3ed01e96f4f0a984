// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Serving
import Units
import Workload

extension ScenarioReader {
  /// How requests reach replicas, and what befalls the fleet.
  func fleet(_ top: MappingReader, workload: WorkloadDescription) -> ScenarioFleet {
    let reader = MappingReader(top.requiredChild("fleet"), into: collector)
    defer { reader.finish() }
    let (failures, locations) = failures(reader)
    let fleet = ScenarioFleet(
      hosts: reader.int("hosts", in: 1...65_536), requestRouting: role(reader, "request_routing"),
      gateway: gateway(reader), responseCache: responseCache(reader, workload),
      failures: failures, failureLocations: locations, autoscaling: autoscaling(reader),
      retries: retries(reader), groups: groups(reader), wideArea: wideArea(reader))
    if fleet.wideArea != nil {
      checkWideArea(reader)
    } else {
      checkServers(fleet)
    }
    checkGroups(fleet, reader)
    return fleet
  }

  private func gateway(_ top: MappingReader) -> GatewaySettings {
    guard let reader = top.mapping("gateway") else { return GatewaySettings() }
    defer { reader.finish() }
    let concurrency = reader.int("concurrency", in: 1...(1 << 30))
    guard let node = reader.child("latency"), node.mapping != nil else {
      let seconds = reader.quantity("latency", .seconds, in: 0...3600) ?? 0
      return GatewaySettings(latency: .constant(seconds), concurrency: concurrency)
    }
    let inner = MappingReader(node, into: collector)
    defer { inner.finish() }
    let range = 1e-9...3600.0
    switch inner.requiredChoice("distribution", among: ["constant", "lognormal"]) {
    case "constant":
      let value = inner.requiredQuantity("value", .seconds, in: 0...3600)
      return GatewaySettings(latency: .constant(value), concurrency: concurrency)
    default:
      let mean = inner.requiredQuantity("mean", .seconds, in: range)
      let median = inner.requiredQuantity("p50", .seconds, in: range)
      guard median <= mean else {
        inner.report("p50", "is above the mean; a lognormal median never is")
        return GatewaySettings()
      }
      return GatewaySettings(
        latency: .lognormal(mean: mean, median: median), concurrency: concurrency)
    }
  }

  private func responseCache(
    _ top: MappingReader, _ workload: WorkloadDescription
  ) -> ResponseCacheSettings? {
    guard let reader = top.mapping("response_cache") else { return nil }
    defer { reader.finish() }
    let lookup = reader.quantity("lookup", .seconds, in: 0...3600) ?? 1e-3
    let probability = reader.quantity("hit_probability", .fraction, in: 0...1)
    let capacity = reader.int("capacity", in: 1...(1 << 30))
    switch (reader.has("hit_probability"), reader.has("capacity")) {
    case (true, false):
      return probability.map { ResponseCacheSettings(.probability($0), lookupSeconds: lookup) }
    case (false, true):
      if workload.trace == nil || workload.lengths != nil {
        reader.report(
          "capacity",
          "asks for hits by prompt, and this workload's prompts have no identity; expected a"
            + " workload.trace that records prompt blocks, without workload.lengths, or"
            + " hit_probability in place of capacity")
      }
      return capacity.map {
        ResponseCacheSettings(.identity(capacity: $0), lookupSeconds: lookup)
      }
    case (true, true):
      reader.report("capacity", "stands beside hit_probability; one of the two says what hits")
    case (false, false):
      reader.report("hit_probability", "is missing; it, or capacity, says what hits")
    }
    return nil
  }

  private func retries(_ top: MappingReader) -> RetryPolicy {
    guard let reader = top.mapping("retries") else { return RetryPolicy(attempts: 0) }
    defer { reader.finish() }
    return RetryPolicy(
      attempts: reader.int("attempts", in: 0...1000) ?? 0,
      delaySeconds: reader.quantity("delay", .seconds, in: 0...1e6) ?? 0,
      backoff: reader.double("backoff", in: 1...1000) ?? 1)
  }

  private func autoscaling(_ top: MappingReader) -> Autoscaler? {
    guard let reader = top.mapping("autoscaling") else { return nil }
    defer { reader.finish() }
    let name = reader.requiredChoice(
      "metric", among: Autoscaler.Metric.allCases.map(\.rawValue))
    let metric = Autoscaler.Metric(rawValue: name) ?? .queue
    let target =
      metric == .queue
      ? reader.requiredDouble("target", in: 1e-3...1e9)
      : reader.requiredQuantity("target", .fraction, in: 1e-3...1)
    let minimum = reader.int("min", in: 1...65_536) ?? 1
    let maximum = reader.requiredInt("max", in: 1...65_536)
    let time = { (key: String, range: ClosedRange<Double>, otherwise: Double) in
      reader.quantity(key, .seconds, in: range) ?? otherwise
    }
    let (interval, startUp) = (time("interval", 1e-3...1e6, 15), time("start_up", 0...1e6, 60))
    let (out, inward) = (
      time("scale_out_cooldown", 0...1e6, 0), time("scale_in_cooldown", 0...1e6, 300)
    )
    let tolerance = reader.quantity("tolerance", .fraction, in: 0...1) ?? 0.1
    guard minimum <= maximum else {
      if reader.has("max") { reader.report("max", "\(maximum) is below min, \(minimum)") }
      return nil
    }
    return Autoscaler(
      metric: metric, target: max(target, 1e-3), minimum: minimum, maximum: maximum,
      intervalSeconds: interval, startUpSeconds: startUp, scaleOutCooldownSeconds: out,
      scaleInCooldownSeconds: inward, tolerance: tolerance)
  }

  private func groups(_ top: MappingReader) -> [ScenarioFleetGroup] {
    var names: [String] = []
    return top.sequence("groups").map { node in
      let reader = MappingReader(node, into: collector)
      defer { reader.finish() }
      let name = reader.requiredString("name")
      if names.contains(name) { reader.report("name", "'\(name)' is the name of another group") }
      names.append(name)
      return ScenarioFleetGroup(
        name: name,
        model: reader.has("model") ? reference(reader, "model", .model) : nil,
        hardware: reader.has("hardware") ? reference(reader, "hardware", .hardware) : nil,
        precision: reader.has("precision") ? precision(reader) : nil,
        replicas: reader.requiredInt("replicas", in: 1...65_536),
        parallelism: reader.mapping("parallelism").map { plan($0) },
        share: reader.quantity("share", .fraction, in: 0...1e9) ?? 1, location: node.location)
    }
  }

  /// Shares must leave something, categories need groups, and an autoscaler begins within its bounds.
  private func checkGroups(_ fleet: ScenarioFleet, _ reader: MappingReader) {
    if !fleet.groups.isEmpty, fleet.groups.allSatisfy({ $0.share == 0 }) {
      reader.report("groups", "have shares of 0 alone; at least one above 0 is expected")
    }
    if fleet.requestRouting.name == "categorical", fleet.groups.isEmpty, reader.has("groups") {
      reader.report("groups", "is an empty list; 'categorical' needs at least one group")
    } else if fleet.requestRouting.name == "categorical", fleet.groups.isEmpty {
      reader.report(
        "request_routing", "'categorical' sends requests to groups, and fleet.groups is missing")
    }
    guard let scaling = fleet.autoscaling else { return }
    for (index, group) in fleet.groups.enumerated() where group.replicas > scaling.maximum {
      reader.report(
        "groups",
        "group \(index), '\(group.name)', begins with \(group.replicas) replicas, more than"
          + " autoscaling.max, \(scaling.maximum)")
    }
  }

  /// Servers may fail in a wide-area pipeline alone.
  private func checkServers(_ fleet: ScenarioFleet) {
    for (entry, location) in zip(fleet.failures.entries, fleet.failureLocations)
    where entry.subject.kind == .server {
      collector.report(
        Diagnostic(
          location: location, path: "fleet.failures",
          message: "'\(entry.subject.text)' is a server of fleet.wide_area, which is missing"))
    }
  }
}
