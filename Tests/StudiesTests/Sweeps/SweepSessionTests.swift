// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Experiments
import Foundation
import Testing

@testable import Studies

@Suite("Sessions")
struct SweepSessionTests {
  private func session(
    _ fixture: borrowing StudyFixture, _ study: Study, store: String = "r"
  ) throws -> (session: SweepSession, store: ResultStore) {
    let store = try ResultStore(path: "\(fixture.folder)/\(store).sqlite", writes: true)
    let session = SweepSession(
      planner: try SweepPlanner(study, library: StudyFixture.library), store: store,
      folder: "\(fixture.folder)/parts", shards: 3)
    return (session, store)
  }

  @Test("run what is missing and nothing twice, from the store and from part files alone")
  func resume() throws {
    let fixture = try StudyFixture()
    let small = try StudyFixture.study("vary: {over: {cache.experts: [25%, 50%]}}")
    let first = try session(fixture, small).session.run(
      on: InProcessEngine(), control: SweepControl())
    #expect(first.made == 2 && first.known == 0)
    let large = try StudyFixture.study("vary: {over: {cache.experts: [25%, 37.5%, 50%]}}")
    let second = try session(fixture, large).session.run(
      on: InProcessEngine(), control: SweepControl())
    #expect(second.made == 1 && second.known == 2)
    // The store is lost, the parts are there.
    let third = try session(fixture, large, store: "new")
    #expect(try third.session.run(on: InProcessEngine(), control: SweepControl()).made == 0)
    #expect(try third.store.runs().count == 3)
    // A changed scenario is another one.
    var changed = large
    changed.overrides = ["workload.requests=13"]
    let fourth = try session(fixture, changed).session.run(
      on: InProcessEngine(), control: SweepControl())
    #expect(fourth.made == 3)
  }

  @Test("replicate until a figure is precise, and not beyond what is allowed")
  func stopping() throws {
    let fixture = try StudyFixture()
    let text =
      "vary: {replications: 3, stop: {figure: e2el_ms.mean, precision: PRECISION, max_replications: 12}}"
    let loose = try session(
      fixture, try StudyFixture.study(text.replacing("PRECISION", with: "90%"))
    ).session.run(on: InProcessEngine(), control: SweepControl())
    #expect(loose.points[0].state == .precise)
    #expect(loose.points[0].records.count == 3)
    let tight = try session(
      fixture, try StudyFixture.study(text.replacing("PRECISION", with: "0.01%"))
    ).session.run(on: InProcessEngine(), control: SweepControl())
    #expect(tight.points[0].state == .imprecise)
    #expect(tight.points[0].records.count == 12)
    #expect(tight.known == 3)
    let middle = try session(
      fixture, try StudyFixture.study(text.replacing("PRECISION", with: "12%"))
    ).session.run(on: InProcessEngine(), control: SweepControl())
    let records = middle.points[0].records
    let estimate = try #require(
      IntervalEstimate(of: records.compactMap { $0.figure("e2el_ms.mean") }))
    if middle.points[0].state == .precise {
      #expect((estimate.relativePrecision ?? 1) <= 0.12)
    } else {
      #expect(records.count == 12)
    }
  }

  @Test("find the warm-up by MSER-5 on pilots, or refuse runs that are too short")
  func warmUp() throws {
    let fixture = try StudyFixture()
    var study = try StudyFixture.study("vary: {replications: 2, warmup: mser-5}")
    study.overrides = ["workload.requests=400", "workload.arrivals.rate=1/s"]
    let (session, store) = try session(fixture, study)
    let outcome = try session.run(on: InProcessEngine(), control: SweepControl())
    #expect(try store.runs(kind: .pilot).count == 5)
    let point = outcome.points[0]
    if case .tooShort(let batches, let cut) = point.state {
      #expect(cut * 2 > batches)
      #expect(point.records.isEmpty)
    } else {
      let cut = try #require(point.warmUpRequests)
      #expect(cut.isMultiple(of: 5) && cut <= 200)
      #expect(point.records.count == 2)
      // What is cut is not among the measured requests.
      let measured = point.records.compactMap { $0.figure("ttft_ms.count") }
      #expect(measured.count == 2)
      #expect(measured.allSatisfy { $0 == Double(400 - cut) })
    }
    var short = study
    short.overrides = ["workload.requests=12"]
    let refused = try self.session(fixture, short).session.run(
      on: InProcessEngine(), control: SweepControl())
    guard case .tooShort = refused.points[0].state else {
      Issue.record("twelve requests have no steady state: \(refused.points[0].state)")
      return
    }
  }

  @Test("stop where they are asked to, and go on")
  func interruption() throws {
    let fixture = try StudyFixture()
    let study = try StudyFixture.study("vary: {over: {run.seed: 1..6+1}}")
    let control = SweepControl()
    let stopping = StoppingEngine(after: 1, control: control)
    let first = try session(fixture, study).session.run(on: stopping, control: control)
    #expect(first.isInterrupted)
    #expect((1..<6).contains(first.made))
    let second = try session(fixture, study).session.run(
      on: InProcessEngine(), control: SweepControl())
    #expect(first.made + second.made == 6)
  }

  /// An engine that is interrupted behind some shards.
  private struct StoppingEngine: SweepEngine {
    var after: Int
    var control: SweepControl

    func run(plan: SweepPlanFile, folder: String, control: SweepControl) throws {
      for shard in 0..<after {
        _ = try ShardRunner(
          plan: plan, shard: shard, folder: folder, library: StudyFixture.library
        ).run()
      }
      control.interrupt()
    }
  }

  @Test("a study all of whose points are wrong says why before anything runs")
  func wrongStudies() throws {
    var study = try StudyFixture.study("vary: {over: {cache.expert: [1, 2]}}")
    #expect(throws: (any Error).self) { try SweepPlanner(study, library: StudyFixture.library) }
    study = try StudyFixture.study(
      "vary: {over: {cache.experts: [25%, 50%], hardware: [nothing, rtx-4090-desktop]}}")
    let planner = try SweepPlanner(study, library: StudyFixture.library)
    #expect(planner.points.filter { $0.problem != nil }.count == 2)
  }

  @Test(
    "studies that are wrong are told of with their place",
    arguments: [
      "vary: {over: [1]}", "vary: {over: {a: []}}", "vary: {design: sobol}",
      "vary: {points: 3}", "vary: {design: cube}", "vary: {replications: 0}",
      "vary: {stop: {figure: a, precision: 5%}}", "vary: {stop: {precision: 5%}, replications: 3}",
      "vary: {warmup: none}", "vary: {tiemout: 1 s}", "vary: {over: {a: 1..}}", "vary: 3",
    ])
  func badStudies(text: String) {
    #expect(throws: Diagnostics.self) { try StudyFixture.study(text) }
  }
}
