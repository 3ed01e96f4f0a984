// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@Suite("moesim sweep")
struct SweepCommandTests {
  private static let scenario = """
    hardware: rtx-4090-desktop
    model: mixtral-8x7b
    precision: {experts: int4}
    cache: {experts: 50%}
    workload:
      arrivals: {process: poisson, rate: 0.2/s}
      lengths:
        prompt: {distribution: constant, value: 8}
        output: {distribution: constant, value: 3}
      requests: 8
    """

  private func folder() throws -> String {
    let folder = FileManager.default.temporaryDirectory.appending(path: "sweep-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data(Self.scenario.utf8).write(to: folder.appending(path: "s.yaml"))
    return folder.path
  }

  @Test("plans, shards, status and merge give what run gives, and nothing else on standard output")
  func contract() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let vary = "--vary cache.experts=25%,50% --vary run.seed=1..3+1"
    let outcome = try Program.shell(
      """
      cd \(folder) && $moesim sweep plan s.yaml \(vary) --shards 3 -o plan.jsonl \
      && $moesim sweep shard plan.jsonl --index 2/3 --out d --threads 2 \
      && $moesim sweep shard plan.jsonl --index 0/3 --index 1/3 --index 2/3 --out d \
      && $moesim sweep status d --plan plan.jsonl --json > status.json \
      && $moesim sweep merge d --plan plan.jsonl -o a.jsonl \
      && $moesim sweep merge d --plan plan.jsonl -o a.csv \
      && $moesim sweep run s.yaml \(vary) --jobs 2 --store r.sqlite --no-progress --format csv \
      && $moesim results r.sqlite --format csv --columns all -o all.csv \
      && $moesim sweep merge r.sqlite.parts --plan r.sqlite.parts/plan-*.jsonl -o b.jsonl \
      && cmp a.jsonl b.jsonl && cmp a.csv all.csv
      """)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count == 7)
    #expect(lines.first?.hasPrefix("cache.experts,run.seed,status,replications") == true)
    let status = try String(contentsOfFile: "\(folder)/status.json", encoding: .utf8)
    #expect(status.contains("\"done\": 6"))
  }

  /// Whether a test may mount a small disk of its own.
  private static let mayMount: Bool = {
    let mount = "unshare -rm sh -c 'mount -t tmpfs none /mnt' 2>/dev/null"
    return (try? Program.shell(mount).code) == 0
  }()

  @Test(
    "a full disk is 74, and the sweep goes on once there is room",
    .enabled(if: mayMount, "mounts need a namespace, which is not allowed here"))
  func fullDisk() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let sweep =
      "$moesim sweep run s.yaml --vary run.seed=1..40+1 --jobs 2 --no-progress --format csv --store"
    let outcome = try Program.shell(
      """
      export moesim; cd \(folder) && mkdir disk && unshare -rm sh -c '
      mount -t tmpfs -o size=256k none disk
      \(sweep) disk/r.sqlite >first.csv 2>first.txt; echo $?
      mount -o remount,size=64m disk
      \(sweep) disk/r.sqlite >second.csv 2>second.txt; echo $?'
      \(sweep) plain.sqlite >plain.csv && cmp second.csv plain.csv && echo same
      """)
    #expect(outcome.output == "74\n0\nsame\n", "\(outcome.output)\(outcome.errors)")
    let words = try String(contentsOfFile: "\(folder)/first.txt", encoding: .utf8)
    #expect(words.contains("No space left on device") || words.contains("disk is full"), "\(words)")
  }

  #if !DEBUG
    @Test("kill -9 at twenty random moments loses nothing and counts nothing twice")
    func kills() throws {
      let folder = try folder()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      // More work for each run, so that most kills hit one.
      let sweep =
        "$moesim sweep run s.yaml --set workload.requests=60 --vary run.seed=1..40+1"
        + " --vary cache.experts=25%,50% --jobs 2 --no-progress --format csv"
      let outcome = try Program.shell(
        """
        cd \(folder); RANDOM=7
        for i in $(seq 20); do
          \(sweep) --store k.sqlite > /dev/null 2>&1 &
          pid=$!
          sleep 0.$((RANDOM % 900 + 100)); kill -9 $pid 2> /dev/null; wait $pid 2> /dev/null
        done
        \(sweep) --store k.sqlite > k.csv 2> k.err || { cat k.err >&2; exit 1; }
        \(sweep) --store u.sqlite > u.csv 2> /dev/null || exit 1
        cmp k.csv u.csv || exit 1
        $moesim results k.sqlite --format csv --columns all | sort > k.all
        $moesim results u.sqlite --format csv --columns all | sort > u.all
        cmp k.all u.all && wc -l < k.all && cat k.err >&2
        """)
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.output.trimmingCharacters(in: .whitespacesAndNewlines) == "81")
    }
  #endif

  @Test("exit codes tell what became of the runs")
  func codes() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func code(_ line: String) throws -> Int32 { try Program.shell("cd \(folder); \(line)").code }
    #expect(
      try code("$moesim sweep run s.yaml --vary cache.kv='1 GiB','300 GiB' --store a.sqlite") == 0)
    #expect(
      try code(
        "$moesim sweep run s.yaml --vary hardware=rtx-4090-desktop,nothing --store b.sqlite") == 4)
    #expect(try code("$moesim sweep run s.yaml --vary hardware=nothing --store c.sqlite") == 66)
    #expect(try code("$moesim sweep run s.yaml --vary cache.experts --store c.sqlite") == 65)
    #expect(try code("$moesim results none.sqlite") == 65)
    #expect(try code("$moesim results a.sqlite --where 'nothing = 1'") == 64)
    let plot = "$moesim results a.sqlite --plot"
    #expect(try code("\(plot) cache.kv:tpot_ms.mean | grep -q '^cache.kv$'") == 0)
    #expect(try code("\(plot) cache.kv:tpot_ms.mean | awk 'length > 80 { exit 9 }'") == 0)
    let run = "$moesim sweep run s.yaml --vary cache.kv='1 GiB','300 GiB' --store a.sqlite --plot"
    #expect(try code("\(run) cache.kv:tpot_ms.mean | grep -q '^cache.kv$'") == 0)
    #expect(try code("\(run) seed:tpot_ms.mean") == 64)
    #expect(try code("\(run) cache.kv:tpot_ms.mean --format csv") == 64)
    #expect(try code("\(run) cache.kv:tpot_ms.mean --figure ttft_ms.mean") == 64)
    #expect(try code("\(plot) cache.kv:tpot_ms.mean --figure ttft_ms.mean") == 64)
    let narrow = "COLUMNS=50 \(plot) cache.kv:tpot_ms.mean"
    #expect(try code("\(narrow) | awk 'length > 50 { exit 9 }'") == 0)
    #expect(try code("\(plot) seed:tpot_ms.mean") == 64)
    #expect(try code("\(plot) cache.kv:nothing") == 64)
    #expect(try code("\(plot) cache.kv") == 64)
    #expect(try code("\(plot) cache.kv:tpot_ms.mean --format csv") == 64)
    #expect(try code("$moesim sweep shard s.yaml --index 0/1 --out x") == 65)
    #expect(
      try code("touch ro; mkdir -p /proc/none; $moesim sweep run s.yaml --store /proc/r.sqlite")
        == 74)
    #expect(
      try code(
        "$moesim sweep plan s.yaml -o p.jsonl && $moesim sweep shard p.jsonl --index 1/1 --out x")
        == 64)
  }
}
