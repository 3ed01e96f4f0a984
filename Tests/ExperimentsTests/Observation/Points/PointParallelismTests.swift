// SPDX-License-Identifier: GPL-3.0-or-later

import Serving
import TestSupport
import Testing

@testable import Experiments

/// What recorded parallelism means.
@Suite struct PointParallelismTests {
  typealias Recorded = ServingPoint.Recorded

  @Test(arguments: [
    // tensor, data, parts of experts, groups of experts → tensor, data, expert
    ("sglang", [4, 1, 1, 4], [4, 1, 4]), ("sglang", [16, 1, 4, 4], [4, 1, 4]),
    ("trtllm", [64, 1, 8, 8], [8, 1, 8]), ("trtllm", [1, 64, 8, 8], [1, 8, 8]),
    ("trtllm", [1, 8, 1, 8], [1, 8, 8]), ("trtllm", [1, 4, 2, 2], [1, 2, 2]),
    ("trtllm", [1, 4, 4, 1], [1, 4, 1]), ("vllm", [4, 4, 1, 16], [4, 1, 4]),
    ("vllm", [2, 2, 1, 4], [2, 1, 2]), ("vllm", [8, 1, 8, 1], [8, 1, 1]),
    ("sglang", [16, 1, 8, 2], [8, 1, 2]),
  ])
  func `Products of tensor and expert parallelism are told apart`(
    backend: String, recorded: [Int], plan: [Int]
  ) {
    let record = Recorded(
      tensor: recorded[0], pipeline: 1, data: recorded[1], expertTensor: recorded[2],
      expert: recorded[3])
    let expected = ParallelPlan(tensor: plan[0], data: plan[1], expert: plan[2])
    #expect(PointParallelism.read(record, backend: backend) == .plan(expected))
  }

  @Test func `Runs without a record of ranks are as they are recorded`() {
    let record = Recorded(tensor: 8, pipeline: 1, data: nil, expertTensor: 2, expert: 4)
    #expect(
      PointParallelism.read(record, backend: "trtllm") == .plan(ParallelPlan(tensor: 8, expert: 4)))
  }

  @Test(arguments: [
    (Recorded(tensor: 4, pipeline: 2), "pipeline of 2"), (Recorded(), "not recorded"),
    (Recorded(tensor: 4, data: 1, expertTensor: 1, expert: 3), "contradicts itself"),
    (Recorded(tensor: 4, data: 1, expertTensor: nil, expert: 3), "do not divide"),
  ])
  func `What means nothing is told`(record: Recorded, words: String) {
    guard case .unsupported(let reason) = PointParallelism.read(record, backend: "vllm") else {
      Issue.record("A plan was made of \(record).")
      return
    }
    #expect(reason.contains(words))
  }

  /// Names of rows say how a server was spread, "…_tp4_ep2_…" and "…_tp4_0_ep2_0_…": an answer that the
  /// reading does not use.
  @Test(.enabled(if: SharedData.isPresent, "the recorded data are not beside the checkout"))
  func `Names of rows agree with what their numbers are read as`() throws {
    let path = try #require(SharedData.path("aiconfigurator/silicon_sample.csv"))
    var compared = 0
    for point in try ServingPointTable.read(path) where !point.isDisaggregated {
      guard let match = point.id.firstMatch(of: /_tp(\d+)(?:_0)?_ep(\d+)(?:_0)?_/),
        let devices = Int(match.1), let expert = Int(match.2), point.system != "gb200",
        case .plan(let plan) = PointParallelism.read(point.recorded, backend: point.backend)
      else { continue }
      #expect(plan.devices == devices && plan.expert == expert, "\(point.id): \(plan.label)")
      compared += 1
    }
    #expect(compared > 900)
  }
}
