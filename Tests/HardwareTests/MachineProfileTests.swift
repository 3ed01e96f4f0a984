// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import Testing
import Units

@testable import Hardware

@Suite struct MachineProfileTests {
  @Test func partsAreOverriddenInPlace() throws {
    let machine = try machine(box)
    #expect(machine.gpus.count == 2)
    let gpu = machine.gpus[1]
    #expect(gpu.memory.capacityBytes == 48 << 30)
    #expect(!gpu.memory.capacity.hasSource)
    #expect(gpu.memory.capacity.source == "given in box.yaml")
    #expect(gpu.memory.capacity.origin.description == "box.yaml:3:54")
    #expect(gpu.memory.bandwidth.nominal == 1008e9, "what is not overridden stays")
    #expect(machine.drives[0].name == "Samsung 990 PRO 1 TB (Gen4)")
    let entries = machine.describe()
    let capacity = try #require(entries.first { $0.path == "gpus[0-1].memory.capacity" })
    #expect(capacity.figure.text == "48 GiB")
    #expect(capacity.part == "NVIDIA GeForce RTX 4090")
  }

  @Test func aBareRateKeepsTheAchievableShare() throws {
    let yaml = box.replacing("memory: {capacity: 48 GiB}", with: "memory: {bandwidth: 1200 GB/s}")
    let figure = try machine(yaml).gpus[0].memory.bandwidth
    #expect(figure.nominal == 1200e9)
    #expect(figure.effective == 960e9)
    let rate = box.replacing("memory: {capacity: 48 GiB}", with: "host_link: {bandwidth: 16 GB/s}")
    let link = try #require(try machine(rate).gpus[0].hostLink)
    #expect(link.bandwidth.effective == 16e9, "an achievable rate was that of the old number")
    #expect(link.perMessageOverhead.nominal == 5.2e-6)
  }

  @Test func anotherPartReplacesOverridesOfTheOld() throws {
    let yaml = box.replacing(
      "memory: {capacity: 48 GiB}", with: "host_link: {part: pcie-gen3-x16}")
    #expect(try machine(yaml).gpus[0].hostLink?.bandwidth.effective == 13.2e9)
  }

  @Test func aMachineIsOverriddenInPlace() throws {
    let machine = try machine(
      "{base: rtx-4090-desktop, dram: {capacity: 32 GiB}, cpu: {count: 1, staging_copy: 8 GB/s}}")
    #expect(machine.dram.capacityBytes == 32 << 30)
    #expect(machine.dram.bandwidth.nominal == 89.6e9)
    #expect(machine.cpu.stagingCopyBandwidth == 8e9)
    #expect(machine.gpus.count == 1)
  }

  @Test func theGPUsOfANamedMachineAreOverriddenTogether() throws {
    let base = try machine("{base: rtx-4090x4-server}")
    let weaker = try machine("{base: rtx-4090x4-server, gpu: {power: {full: 300 W}}}")
    #expect(weaker.gpus.map(\.power.full.nominal) == [300, 300, 300, 300])
    #expect(weaker.gpus[3].memory.bandwidth.nominal == base.gpus[3].memory.bandwidth.nominal)
    for gpu in ["rtx-5090", "{part: rtx-5090}"] {
      let other = try machine("{base: rtx-4090x4-server, gpu: \(gpu)}")
      #expect(other.gpus.map(\.memory.capacityBytes) == [32 << 30, 32 << 30, 32 << 30, 32 << 30])
    }
    for wrong in [
      "{base: rtx-4090-desktop, gpu: {bogus: 1}}", "{base: cpu-desktop, gpu: rtx-4090}",
    ] {
      #expect(throws: Diagnostics.self) { try machine(wrong) }
    }
  }

  @Test(
    arguments: [
      ("capacity: 48 GiB}", "capacity: 48 GB/s}", "box.yaml:3:54: gpus[0].memory.capacity"),
      ("capacity: 48 GiB}", "capacity: -1 GiB}", "out of range"),
      ("capacity: 48 GiB}", "capacity: 0 GiB}", "out of range"),
      ("capacity: 48 GiB}", "capacity: .nan}", "not a finite number"),
      ("capacity: 48 GiB}", "capacity: 48}", "has no unit"),
      ("capacity: 48 GiB}", "capacity: 9999 PB}", "out of range"),
      ("capacity: 48 GiB}", "capacitty: 48 GiB}", "did you mean 'capacity'?"),
      ("capacity: 48 GiB}", "bandwidth: {achievable: 1.5}}", "out of range"),
      ("capacity: 48 GiB}", "bandwidth: {achievable: 2000 GB/s}}", "out of range"),
      ("capacity: 48 GiB}", "bandwidth: {achievable: 0}}", "out of range"),
      ("capacity: 48 GiB}", "reserved: 100 GiB}", "not less than the capacity"),
      ("count: 2", "count: 0", "out of range"), ("count: 2", "count: 100000", "out of range"),
      ("rtx-4090", "rtx-4091", "did you mean 'rtx-4090'?"),
      ("rtx-4090", "../../../etc/passwd", "does not exist"),
      ("cpu: {part", "cpus: {part", "unknown key 'cpus'; did you mean 'cpu'?"),
      ("chassis: {part: desktop}", "", "chassis: is missing"),
      ("name: my-box", "name: my-box\nname: other", "stands twice"),
      ("summary:", "unified_memory: true\nsummary:", "needs no link"),
      ("{part: rtx-4090", "{part: jetson-agx-orin-64", "has no host_link"),
      ("{part: desktop}", "{part: [desktop]}", "expected the name of a part"),
      ("chassis: {part: desktop}", "chassis: 5", "'5' does not exist"),
    ])
  func refusesWhatIsWrong(text: String, replacement: String, part: String) {
    let found = problems(box.replacing(text, with: replacement)).joined(separator: "\n")
    #expect(found.contains(part), "\(found)")
  }

  @Test func reportsEverythingAtOnce() {
    let yaml = box.replacing("48 GiB", with: "48 GiBB").replacing("64 GiB", with: "64 W")
      .replacing("summary", with: "sumary").replacing("{part: desktop}", with: "{part: dasktop}")
    let found = problems(yaml)
    #expect(found.count == 5, "\(found)")  // summary is missing, and sumary is unknown
  }

  @Test func missingMachinesSuggest() {
    let error = #expect(throws: MissingFile.self) { try shipped.machine("rtx4090-desktop") }
    #expect(error?.description.contains("did you mean 'rtx-4090-desktop'?") == true)
    #expect(throws: MissingFile.self) { try shipped.machine("/nowhere/box.yaml") }
    #expect(throws: MissingFile.self) { try shipped.runtime("cuda-graph5-x") }
    #expect(throws: MissingFile.self) { try ProfileLibrary(folders: []).machine("x") }
  }

  @Test func circlesOfPartsAreFound() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    let parts = folder.appending(path: "parts/gpu")
    try FileManager.default.createDirectory(at: parts, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data("part: b\n".utf8).write(to: parts.appending(path: "a.yaml"))
    try Data("part: a\n".utf8).write(to: parts.appending(path: "b.yaml"))
    let error = #expect(throws: Diagnostics.self) {
      try ProfileLibrary(folders: [folder.path]).checkPart(.gpu, "a")
    }
    #expect(error?.description.contains("circle") == true)
  }

  @Test func namesFallBackToSlowerArithmetic() throws {
    let t4 = try shipped.machine("t4-server").gpus[0]
    #expect(t4.peak(for: .fp8).computeClass == .fp16)
    #expect(t4.peak(for: .int8).figure.nominal == 130e12)
    #expect(t4.peak(for: .tf32).computeClass == .fp32)
    let rome = try shipped.machine("a10-server").cpu
    #expect(rome.peak(for: .fp4).computeClass == .fp32)
  }

  @Test func overridesOfRuntimes() throws {
    let node = try ConfigurationNode.parse("{base: ideal, per_kernel: 4 us}", file: "s.yaml")
    let runtime = try shipped.runtime(node)
    #expect(runtime.perKernelOverhead.effective == 4e-6)
    #expect(runtime.perLayerOverhead.effective == 0)
    let wrong = try ConfigurationNode.parse("{base: ideal, per_kernel: 4 W}", file: "s.yaml")
    #expect(throws: Diagnostics.self) { try shipped.runtime(wrong) }
  }
}
