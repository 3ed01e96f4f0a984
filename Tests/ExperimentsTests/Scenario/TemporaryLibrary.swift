// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

@testable import Experiments

/// A folder of small data files, for tests that must not depend on those that ship.
final class TemporaryLibrary {
  let root = FileManager.default.temporaryDirectory.appending(path: "library-\(UUID())").path
  let library: DataLibrary

  init() throws {
    library = DataLibrary(roots: [root])
    let files = [
      "hardware-profiles/small-box.yaml": "name: small-box\nlink: {bandwidth: 25 GB/s}\n",
      "hardware-profiles/big-box.yaml": "name: big-box\nlink: {bandwidth: 50 GB/s}\n",
      "hardware-profiles/runtimes/cuda-graphs.yaml": "name: cuda-graphs\nlaunch: 3 us\n",
      "hardware-profiles/kernels/marlin.yaml": "name: marlin\n",
      "hardware-profiles/kernels/samoyeds.yaml": "name: samoyeds\n",
      "hardware-profiles/kernels/elephants.yaml": "name: elephants\n",
      "models/tiny.json": "{\"model_type\": \"mixtral\", \"hidden_size\": 4}",
      "policies/greedy.yaml":
        "name: greedy\nsource: nobody\neviction: fifo\nprefetch: all\nchunks: 4\n",
      "policies/lru.yaml": "name: lru\neviction: lru\n",
      "traces/requests.csv": "arrival_s,prompt_tokens,output_tokens\n0,1,1\n",
      "traces/experts.bin": "x",
      "traces/routing/tiny.yaml": "name: tiny\n",
      "scenarios/base.yaml": Self.base,
    ]
    for (name, text) in files { try write(text, to: name) }
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  static let base = """
    hardware: small-box
    model: tiny
    policy: greedy
    workload: requests.csv
    slo: {tpot_p99: 100 ms, ttft_mean: 2 s}
    """

  @discardableResult
  func write(_ text: String, to name: String) throws -> String {
    let path = "\(root)/\(name)"
    try FileManager.default.createDirectory(
      at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  func scenario(_ yaml: String, set overrides: [String] = []) throws -> Scenario {
    try write(yaml, to: "scenarios/test.yaml")
    return try Scenario.load("test", overrides: overrides, library: library)
  }
}
