// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Routing
import Testing
import Workload

@testable import Serving

/// What every run must satisfy, whatever its machine and policy.
@Suite("Books")
struct BooksTests {
  /// A kind of machine, memory and policy.
  enum Kind: String, CaseIterable, Sendable {
    case reactive, globalPool, empty, waits, chunks, pageable, writeBack, halfDuplex
    case prefetchAll, prefetchAllSlow, prefetchPageable, lfu, fifo, pinned, belady
    case drive, drivePageable, drivePrefetch, unified, overflowing, oneBuffer, shortCache, resident
    case resetting, wholePrompts, elastic, elasticPrefetch
    case predicted, predictedGlobal, predictedDrive
  }

  static func rule(_ name: String) -> EvictionRegistration {
    EvictionRegistry.all.first { $0.name == name }!
  }

  static func policy(_ kind: Kind) -> PolicyComposition {
    var policy = ServingHarness.lru()
    switch kind {
    case .waits: policy.schedule = LoadThenCompute()
    case .chunks: policy.transfer.chunks = 3
    case .pageable, .drivePageable: policy.transfer.pinned = false
    case .writeBack, .halfDuplex: policy.transfer.writeBack = true
    case .prefetchAll, .prefetchAllSlow, .drivePrefetch, .elasticPrefetch:
      policy.prefetch = PrefetchAll()
    case .prefetchPageable:
      policy.prefetch = PrefetchAll()
      policy.transfer = TransferOptions(chunks: 3, pinned: false)
    case .predicted, .predictedDrive:
      policy.prediction = RecallPrediction(recall: [0.7])
      policy.prefetch = PredictedPrefetch()
      policy.transfer.writeBack = kind == .predicted
    case .predictedGlobal:
      policy.eviction = rule("belady")
      policy.prediction = OraclePrediction()
      policy.prefetch = PredictedPrefetch(depth: 2)
    case .lfu: policy.eviction = rule("lfu")
    case .fifo: policy.eviction = rule("fifo")
    case .pinned: policy.eviction = rule("static")
    case .belady: policy.eviction = rule("belady")
    default: break
    }
    return policy
  }

  static func cache(_ kind: Kind, expert: Int64, perToken: Int64) -> CacheConfiguration {
    var cache = CacheConfiguration(experts: .count(4), keyValue: .bytes(1 << 28))
    switch kind {
    case .globalPool, .prefetchAll, .prefetchAllSlow, .predictedGlobal:
      cache = .init(experts: .count(17), pool: .global)
    case .empty: cache.initial = .empty
    case .overflowing: cache.experts = .count(1)
    case .oneBuffer:
      cache.experts = .count(2)
      cache.stagingBuffers = 1
    case .drive, .drivePageable, .predictedDrive: cache.host = .bytes(11 * expert)
    case .drivePrefetch:
      cache = .init(experts: .count(17), pool: .global, host: .bytes(20 * expert))
    case .shortCache:
      cache.keyValueBlockTokens = 4
      cache.keyValue = .bytes(perToken * 120)
    case .resident: cache.experts = .all
    case .resetting: cache.resetsPerRequest = true
    default: break
    }
    return cache
  }

  static func configuration(
    _ kind: Kind, requests: [Request], ledger: TokenLedger? = nil
  ) throws -> ServingConfiguration {
    let model = try ServingHarness.model()
    var figures = ServingHarness.figures(linkRate: kind == .prefetchAllSlow ? 1e9 : 10e9)
    switch kind {
    case .drive, .drivePageable, .drivePrefetch, .predictedDrive:
      figures.drive = ServingHarness.drive
    case .unified:
      figures = ServingHarness.figures(drive: ServingHarness.drive, isUnified: true)
    case .halfDuplex: figures.linkIsFullDuplex = false
    default: break
    }
    for (resource, idle, full) in [
      ("host.dram", 3.0, 25.0), ("ssd0", 1, 9), ("gpu0.h2d", 0, 2), (nil, 30, 60),
    ] {
      figures.parts.append(
        .init(
          name: resource ?? "chassis", resource: resource, purchaseUSD: nil, idleWatts: idle,
          fullWatts: full))
    }
    let shape = RoutingShape(layers: 4, experts: 8, topK: 2)
    let bytes = model.bytes(under: .bf16)
    var division = cache(
      kind, expert: bytes.perExpert,
      perToken: Int64(model.keyValueBytesPerToken(under: .bf16)))
    if kind == .elastic || kind == .elasticPrefetch {
      // Room for 15 experts and a little, which sequences take from the experts.
      let budget = Int64(Double(figures.deviceMemoryBytes) * division.memoryFraction)
      division.keyValue = .elastic(minimumExpertBytes: 10 * bytes.perExpert)
      division.workspaceBytes = budget - bytes.nonExpert - 17 * bytes.perExpert - 100_000
    }
    return ServingHarness.configuration(
      model: model, cache: division,
      policy: policy(kind),
      limits: BatchLimits(
        maximumSequences: 3, tokenBudget: 40, chunkedPrefill: kind != .wholePrompts),
      figures: figures,
      routing: {
        let script = ScriptedRouting(shape: shape)
        guard let ledger else { return script }
        return LedgerRouting(script, ledger: ledger)
      }, requests: requests)
  }

  static func requests() -> [Request] {
    var random = SplitMix(7)
    return (0..<7).map {
      Request(
        number: UInt64($0), arrivalNanoseconds: UInt64($0) * 30_000_000,
        promptTokens: Int32(1 + random.next() % 70), outputTokens: Int32(1 + random.next() % 24))
    }
  }

  @Test("balance, pools stay within their capacity", arguments: Kind.allCases)
  func balance(kind: Kind) throws {
    let requests = Self.requests()
    let configuration = try Self.configuration(kind, requests: requests)
    let result = try ServingHarness.probe(configuration, stride: 7) { engine, _ in
      #expect(engine.tier.inconsistencies() == [])
      #expect(engine.host?.inconsistencies() ?? [] == [])
      #expect(engine.batch.keyValue.used <= engine.batch.keyValue.capacity)
      #expect(engine.freeBuffers[0] >= 0)
      if engine.memory.isElastic, engine.stepIsActive, !engine.stepAwaitsRoom {
        #expect(
          engine.tier.view.usedBytes(inPool: 0) + engine.batch.keyValue.used
            <= engine.memory.sharedBytes)
      }
    }
    ServingHarness.checkBooks(result, configuration, requests: requests)
    if kind == .shortCache { #expect(result.requests.preemptions > 0) }
    if kind == .prefetchAll || kind == .prefetchAllSlow || kind == .drivePrefetch {
      #expect(result.traffic.contains { $0.purpose == "prefetch" })
      #expect(result.expertCache.late > 0)
    }
    if kind == .overflowing { #expect(result.expertCache.misses > result.expertCache.hits) }
  }

  @Test("every token is computed once in each layer", arguments: Kind.allCases)
  func tokensOnce(kind: Kind) throws {
    let requests = Self.requests()
    let ledger = TokenLedger()
    // Rules and predictors that look ahead ask the routing too.
    let looksAhead: [Kind] = [.belady, .pinned, .predicted, .predictedGlobal, .predictedDrive]
    guard !looksAhead.contains(kind) else { return }
    let result = try ServingHarness.run(
      Self.configuration(kind, requests: requests, ledger: ledger))
    var tokens = 0
    for request in requests {
      for layer in 0..<4 {
        for position in 0..<Int(request.promptTokens) {
          let count = ledger.count(sequence: request.number, position: position, layer: layer)
          #expect(kind == .shortCache ? count >= 1 : count == 1)
        }
        // The last output token is never fed back.
        for position in 0..<Int(request.outputTokens) {
          let count = ledger.count(
            sequence: request.number, position: 1 << 30 | position, layer: layer)
          let once = position < Int(request.outputTokens) - 1 ? 1 : 0
          #expect(kind == .shortCache && once == 1 ? count >= 1 : count == once)
        }
      }
      tokens += Int(request.promptTokens + request.outputTokens) - 1
    }
    if kind == .shortCache {
      #expect(result.requests.preemptions > 0)
      #expect(ledger.total > tokens * 4)
    } else {
      #expect(ledger.total == tokens * 4)
    }
  }

  @Test("the same configuration gives the same record", arguments: Kind.allCases)
  func isDeterministic(kind: Kind) throws {
    let configuration = try Self.configuration(kind, requests: Self.requests())
    let first = try ServingHarness.record(ServingHarness.run(configuration))
    let second = try ServingHarness.record(ServingHarness.run(configuration))
    #expect(first == second)
  }
}
