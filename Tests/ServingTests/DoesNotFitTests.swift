// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Residency
import Testing

@testable import Serving

/// Plans that do not fit, and what is suggested instead.
@Suite("Does not fit")
struct DoesNotFitTests {
  /// What a plan is made of.
  struct Plan: Sendable, CustomTestStringConvertible {
    var model = "mixtral-8x7b"
    var device = 24.0
    var host = 192.0
    var cache = CacheConfiguration()
    var drive = false
    var testDescription: String { "\(model), \(device) GiB, \(cache.experts), \(cache.keyValue)" }

    func memory() throws -> MemoryPlan {
      let model = try ModelDescriptor.named(model)
      return try MemoryPlan(
        model: model, precision: .bf16,
        figures: ServingHarness.figures(
          deviceGiB: device, hostGiB: host, drive: drive ? ServingHarness.drive : nil),
        cache: cache)
    }
  }

  static let misfits: [Plan] = [
    Plan(cache: .init(experts: .all)),
    Plan(cache: .init(experts: .share(0.5))),
    Plan(cache: .init(experts: .count(3), keyValue: .bytes(1 << 33))),
    Plan(cache: .init(experts: .automatic, keyValue: .bytes(1 << 33))),
    Plan(cache: .init(experts: .automatic, keyValue: .bytes(1 << 40))),
    Plan(cache: .init(experts: .count(1), keyValue: .bytes(1 << 20))),
    Plan(cache: .init(experts: .share(0.01))),
    Plan(cache: .init(experts: .bytes(1 << 20))),
    Plan(device: 16),
    Plan(device: 8),
    Plan(device: 2),
    Plan(device: 5, cache: .init(pool: .global)),
    Plan(cache: .init(experts: .count(200), pool: .global)),
    Plan(cache: .init(workspaceBytes: 1 << 35)),
    Plan(model: "deepseek-v2-lite", device: 16, cache: .init(experts: .share(0.9))),
    Plan(model: "deepseek-v3", device: 32),
    Plan(model: "llama-3.1-8b", device: 12),
    Plan(model: "llama-3.1-8b", device: 24, cache: .init(keyValue: .bytes(1 << 34))),
  ]

  /// The number that follows a word.
  static func number(after word: String, in text: String) -> Int? {
    guard let range = text.range(of: word) else { return nil }
    return Int(text[range.upperBound...].prefix { $0.isNumber })
  }

  /// The plan with a suggestion applied.
  static func apply(_ suggestion: String, to plan: Plan) -> Plan? {
    var changed = plan
    var isChanged = false
    if suggestion.contains("cache.pool: global") {
      changed.cache.pool = .global
      isChanged = true
    }
    if let count = number(after: "cache.experts: ", in: suggestion) {
      changed.cache.experts = .count(count)
      isChanged = true
    }
    if suggestion.contains("cache.experts: auto") { changed.cache.experts = .automatic }
    if suggestion.contains("cache.kv: auto") { changed.cache.keyValue = .automatic }
    if let mebibytes = number(after: "cache.kv: ", in: suggestion) {
      changed.cache.keyValue = .bytes(Int64(mebibytes) << 20)
      isChanged = true
    }
    if let gibibytes = number(after: "a device with at least ", in: suggestion) {
      changed.device = Double(gibibytes)
      isChanged = true
    }
    if suggestion.contains("cache.dram: all") { changed.cache.host = .all }
    if let gibibytes = number(after: "host memory of at least ", in: suggestion) {
      changed.host = Double(gibibytes)
      isChanged = true
    }
    if suggestion.contains("cache.dram: auto, with the rest") {
      changed.cache.host = .automatic
      isChanged = true
    }
    if suggestion.contains("with a drive") {
      changed.drive = true
      changed.cache.host = .automatic
      isChanged = true
    }
    return isChanged ? changed : nil
  }

  @Test("device memory: the numbers add up, and every suggestion fits", arguments: misfits)
  func device(plan: Plan) throws {
    let error = try #require(throws: DoesNotFit.self) { _ = try plan.memory() }
    #expect(error.memory == "gpu0.hbm")
    let budget = plan.device * Double(1 << 30) * plan.cache.memoryFraction
    #expect(abs(Double(error.capacityBytes) - budget) < 2)
    // Nothing is negative.
    #expect(!error.description.contains(" -"), "\(error)")
    #expect(!error.suggestions.isEmpty)
    for suggestion in error.suggestions {
      let changed = try #require(Self.apply(suggestion, to: plan), "\(suggestion)")
      // Host memory may be the next to be too small; device memory is not.
      do {
        _ = try changed.memory()
      } catch let next as DoesNotFit {
        #expect(next.memory != "gpu0.hbm", "\(suggestion): \(next)")
      }
    }
  }

  @Test("a suggested number of experts is the largest that fits")
  func largest() throws {
    let plan = Plan(cache: .init(experts: .all, keyValue: .bytes(1 << 30)))
    let error = try #require(throws: DoesNotFit.self) { _ = try plan.memory() }
    let count = try #require(Self.number(after: "cache.experts: ", in: error.suggestions[0]))
    var more = plan
    more.cache.experts = .count(count + 1)
    #expect(throws: DoesNotFit.self) { _ = try more.memory() }
    // By arithmetic: 90 % of 24 GiB, less weights, workspace, KV cache and two buffers.
    let bytes = try ModelDescriptor.named("mixtral-8x7b").bytes(under: .bf16)
    let room = 24 * 1.0737418e9 * 0.9 - Double(bytes.nonExpert) - 2 * Double(1 << 30)
    let slots = (room - 2 * Double(bytes.perExpert)) / (32 * Double(bytes.perExpert))
    #expect(count == Int(slots))
  }

  @Test(
    "host memory and drive",
    arguments: [
      Plan(host: 64), Plan(host: 64, cache: .init(host: .all)),
      Plan(host: 64, cache: .init(host: .bytes(1 << 34))),
      Plan(host: 64, cache: .init(host: .bytes(1 << 37)), drive: true),
    ])
  func host(plan: Plan) throws {
    let error = try #require(throws: DoesNotFit.self) { _ = try plan.memory() }
    #expect(error.memory == "host.dram")
    for suggestion in error.suggestions {
      guard let changed = Self.apply(suggestion, to: plan) else { continue }
      #expect(throws: Never.self, "\(suggestion)") { _ = try changed.memory() }
    }
  }

  @Test("what fits is divided without remainder", arguments: [1.0, 0.5, 0.25])
  func divided(share: Double) throws {
    var plan = Plan(device: 128, cache: .init(experts: .share(share)))
    plan.host = 256
    let memory = try plan.memory()
    #expect(memory.slots == Int(8 * share))
    #expect(
      memory.nonExpertBytes + memory.workspaceBytes + memory.expertCacheBytes
        + memory.stagingBytes + memory.keyValueBytes == memory.deviceBudget)
    #expect(memory.everyExpertIsResident == (share == 1))
    #expect(memory.stagingBytes == (share == 1 ? 0 : 2 * memory.expertBytes))
  }

  @Test("a drive takes what host memory cannot hold")
  func drive() throws {
    let memory = try Plan(host: 64, drive: true).memory()
    let usable = Int64(64 * 1_073_741_824 * 0.9)
    #expect(memory.hostSlots == Int(usable / memory.expertBytes))
    var small = Plan(host: 64, drive: true)
    small.cache.host = .bytes(10 * memory.expertBytes + 5)
    #expect(try small.memory().hostSlots == 10)
  }
}
