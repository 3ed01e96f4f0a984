// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import Testing

@testable import Calibration

/// The output of llama-bench, fio and nvbandwidth, in few lines made up here.
@Suite struct ToolImportersTests {
  // MARK: llama-bench

  private static let prompt = #"""
    {"build_number": 5163, "cpu_info": "C", "gpu_info": "G", "backends": "CUDA", "model_type": "qwen2 7B Q4_K - Medium", "n_threads": 8, "type_k": "f16", "n_gpu_layers": 99, "n_prompt": 512, "n_gen": 0, "n_depth": 64, "test_time": "2025-04-24T11:58:50Z", "avg_ns": 4, "samples_ns": [ 3000000, 1000000, 2000000 ]}
    """#
  private static let generation = #"""
    {"cpu_info": "C", "gpu_info": "", "backends": "CPU", "model_type": "olmoe A1.7B F16", "n_threads": 8, "type_k": "q8_0", "n_gpu_layers": 0, "n_prompt": 0, "n_gen": 128, "test_time": "2025-04-24T11:58:50Z", "avg_ns": 5000000}
    """#

  @Test(arguments: [
    "[\n\(prompt),\n\(generation)\n]", "\(prompt)\n\(generation)\n",
  ])
  func llamaBenchListsItsRepetitions(_ text: String) throws {
    let rows = try imported(LlamaBenchImporter(), "x.json", text).rows
    #expect(rows.map(\.kernel) == [.modelPrefill, .modelDecode])
    #expect(rows.map(\.median) == [0.002, 0.005])
    #expect((rows[0].minimum, rows[0].maximum, rows[0].repeats) == (0.001, 0.003, 3))
    #expect(rows.map(\.query) == [512, 128])
    #expect(rows.map(\.past) == [64, 0])
    #expect(rows.map(\.device) == ["G", "C"])
    #expect(rows.map(\.precision) == ["q4_k", "fp16"])
    #expect(rows.map(\.kvPrecision) == ["fp16", "q8_0"])
    #expect(rows.map(\.model) == ["qwen2 7B Q4_K - Medium", "olmoe A1.7B F16"])
    #expect(rows[1].repeats == nil)
    #expect(rows[0].date == "2025-04-24")
  }

  @Test func llamaBenchsTableHasRates() throws {
    let result = try imported(
      LlamaBenchImporter(), "x.md",
      """
      | model                  |     size |   params | backend | ngl |         test |            t/s |
      | ---------------------- | -------: | -------: | ------- | --: | -----------: | -------------: |
      | qwen2 7B Q4_K - Medium | 4.36 GiB |   7.62 B | CUDA    |  99 | pp512 @ d512 | 6400.00 ± 18.88 |
      | qwen2 7B Q4_K - Medium | 4.36 GiB |   7.62 B | CUDA    |  99 |       tg 128 |  128.00 ± 0.59 |
      | qwen2 7B Q4_K - Medium | 4.36 GiB |   7.62 B | CUDA    |  99 |  pp512+tg128 |  128.00 ± 0.59 |

      build: 8cf427ff (5163)
      """, options: ImportOptions(device: "D"))
    #expect(result.rows.map(\.median) == [512.0 / 6400, 1])
    #expect(result.rows.map(\.past) == [512, 0])
    #expect(result.skipped.map(\.count) == [1])
    try expectDiagnostics(
      LlamaBenchImporter(), "x.md", "| model | test | t/s |\n|---|---|---|\n| m | xx12 | 3 |\n",
      ["x.md:3:1: test: expected pp512, tg128 and the like; found 'xx12'"],
      options: ImportOptions(device: "D"))
  }

  @Test func llamaBenchsCSVHasMeans() throws {
    let rows = try imported(
      LlamaBenchImporter(), "x.csv",
      """
      cpu_info,gpu_info,backends,model_type,n_threads,type_k,n_gpu_layers,n_prompt,n_gen,n_depth,test_time,avg_ns,stddev_ns
      "C","G","CUDA","m Q8_0","8","f16","-1","512","0","0","2025-04-24T11:57:09Z","70000000","9"
      """
    ).rows
    #expect(rows.map(\.median) == [0.07])
    #expect(rows.map(\.precision) == ["q8_0"])
    try expectDiagnostics(
      LlamaBenchImporter(), "x.jsonl", Self.prompt + "\n{\"n_prompt\": \"x\"}\n",
      ["x.jsonl:2:", "n_prompt: expected a whole number"])
  }

  // MARK: fio

  private static func fio(_ jobs: String) -> String {
    """
    note: something first
    {
      "fio version" : "fio-3.39",
      "timestamp" : 1764070000,
      "global options" : { "direct" : "1", "ioengine" : "io_uring", "bs" : "1M" },
      "jobs" : [ \(jobs) ],
      "disk_util" : [ { "name" : "nvme0n1" } ]
    }
    """
  }
  private static let clat =
    #""read": {"total_ios": 40, "clat_ns": {"min": 100000, "max": 900000, "mean": 5.5e5, "percentile": {"50.000000": 500000, "99.000000": 800000}}}"#

  @Test func fiosReadIsARequest() throws {
    let result = try imported(
      FioImporter(), "x.json",
      Self.fio(
        """
        {"jobname": "a", "job options": {"rw": "randread", "iodepth": "16", "numjobs": "2"}, \(Self.clat)},
        {"jobname": "b", "job options": {"rw": "read", "bs": "4k", "iodepth": "16", "ioengine": "psync"},
         "read": {"clat_ns": {"mean": 250000}}},
        {"jobname": "c", "job options": {"rw": "randwrite"}},
        {"jobname": "d", "job options": {"rw": "randrw"}},
        {"jobname": "e", "job options": {"rw": "read", "direct": "0"}}
        """))
    #expect(result.rows.map(\.kernel) == [.read, .read])
    #expect(result.rows.map(\.median) == [0.0005, 0.00025])
    #expect((result.rows[0].minimum, result.rows[0].maximum) == (0.0001, 0.0009))
    #expect(result.rows.map(\.percentile99) == [0.0008, nil])
    #expect(result.rows.map(\.bytes) == [1 << 20, 4096])
    // An engine that waits has one request under way.
    #expect(result.rows.map(\.queueDepth) == [32, 1])
    #expect(result.rows.map(\.repeats) == [40, nil])
    #expect(result.rows.map(\.device) == ["drive nvme0n1", "drive nvme0n1"])
    #expect(result.rows[0].date == "2025-11-25")
    #expect(result.rows[0].implementation == "fio-3.39 io_uring randread")
    #expect(result.skipped.map(\.count) == [1, 1, 1])
  }

  @Test func whatFioCannotSayIsNamed() throws {
    try expectDiagnostics(
      FioImporter(), "x.json", Self.fio(#"{"job options": {"rw": "read", "bs": "4q"}}"#),
      ["x.json:6:", "job options.bs: expected a size such as 4k, 1M or 1048576; found '4q'"])
    try expectDiagnostics(
      FioImporter(), "x.json", Self.fio(#"{"job options": {"rw": "read"}}"#),
      ["read.clat_ns: expected the completion times"])
    try expectDiagnostics(FioImporter(), "x.json", "{}", ["jobs: expected the list of fio's jobs"])
  }

  @Test(arguments: [
    ("512", 512), ("4k", 4096), ("4K,8k", 4096), ("2MiB", 2 << 20), ("1g", 1 << 30),
    ("x", nil), ("4z", nil), ("", nil), ("99999999999g", nil),
  ])
  func fiosSizesArePowersOf1024(_ text: String, _ bytes: Int?) {
    #expect(FioImporter.bytes(text) == bytes)
  }

  // MARK: nvbandwidth

  private static let text = """
    nvbandwidth Version: v0.8
    Device 0: NVIDIA H100 80GB HBM3 (00000000:18:00)
    Device 1: NVIDIA H100 80GB HBM3 (00000000:2a:00)

    Running host_to_device_memcpy_ce.
    memcpy CE CPU(row) -> GPU(column) bandwidth (GB/s)
               0         1
     0     50.00     25.00

    SUM host_to_device_memcpy_ce 75.00

    Running device_to_device_memcpy_read_ce.
    memcpy CE GPU(row) -> GPU(column) bandwidth (GB/s)
               0         1
     0       N/A    400.00
     1    200.00       N/A

    SUM device_to_device_memcpy_read_ce 600.00

    Running host_device_latency_sm.
    memory latency SM CPU(row) <-> GPU(column) (ns)
               0         1
     0    800.00    801.00
    """

  private static let json = """
    {"nvbandwidth": {
      "GPU Device list": ["0: NVIDIA H100 80GB HBM3 (00000000:18:00): (host)", "1: NVIDIA H100 80GB HBM3 (00000000:2a:00): (host)"],
      "testcases": [
        {"name": "host_to_device_memcpy_ce", "status": "Passed", "bandwidth_matrix": [["50.0", "25.0"]]},
        {"name": "device_to_device_memcpy_read_ce", "bandwidth_matrix": [["N/A", "400"], ["200", "N/A"]]},
        {"name": "host_device_latency_sm", "bandwidth_matrix": [["800", "801"]]},
        {"name": "device_local_copy", "status": "Waived"}
      ]}}
    """

  @Test(arguments: [text, json])
  func aCopyTakesItsBytesOverTheBandwidth(_ output: String) throws {
    let result = try imported(NvbandwidthImporter(), "x", output)
    let bytes = 512.0 * 1024 * 1024
    #expect(
      result.rows.map(\.median) == [50e9, 25e9, 400e9, 200e9].map { bytes / $0 })
    #expect(result.rows.map(\.direction) == ["h2d", "h2d", "d2d", "d2d"])
    #expect(result.rows.map(\.pinned) == [true, true, nil, nil])
    #expect(result.rows.map(\.devices) == [1, 1, 2, 2])
    #expect(Set(result.rows.map(\.device)) == ["NVIDIA H100 80GB HBM3"])
    #expect(
      result.skipped == [
        ImportedTimings.Skipped(reason: "test host_device_latency_sm", count: 1)
      ])
    let small = try imported(
      NvbandwidthImporter(), "x", output, options: ImportOptions(copyBytes: 1 << 20)
    ).rows[0]
    #expect((small.bytes, small.median) == (1 << 20, Double(1 << 20) / 50e9))
  }

  @Test func whatNvbandwidthCannotSayIsNamed() throws {
    try expectDiagnostics(
      NvbandwidthImporter(), "x", "nothing\n", ["expected nvbandwidth's output"])
    try expectDiagnostics(NvbandwidthImporter(), "x", "{}", ["nvbandwidth.testcases"])
    try expectDiagnostics(
      NvbandwidthImporter(), "x",
      "Running host_to_device_memcpy_ce.\n    0   1\n 0  3.0\n", ["x:3:1: expected 2 bandwidths"])
  }
}
