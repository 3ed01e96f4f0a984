// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import TestSupport
import Testing

@testable import Hardware

/// Machine files that lay keys over other machines, and timing laws in files of their own.
@Suite final class FittedMachinesTests {
  let folder = FileManager.default.temporaryDirectory.appending(path: "moesim-\(UUID())")
  let library: ProfileLibrary

  init() throws {
    for name in ["timings", "parts/gpu"] {
      try FileManager.default.createDirectory(
        at: folder.appending(path: name), withIntermediateDirectories: true)
    }
    library = ProfileLibrary(folders: [
      folder.path, Checkout.root.appending(path: "hardware-profiles").path,
    ])
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: folder.appending(path: name))
  }

  @Test func `A file with a base is that machine but for its own keys`() throws {
    try write(
      "base: rtx-4090x4-server\nname: mine\nsummary: s\ngpu: {power: {full: 300 W}}\n", to: "a.yaml"
    )
    try write("base: a\ndram: {capacity: 32 GiB}\nname: yours\n", to: "b.yaml")
    let machine = try library.machine("b")
    #expect(machine.name == "yours")
    #expect(machine.gpus.map(\.power.full.nominal) == [300, 300, 300, 300])
    #expect(machine.dram.capacityBytes == 32 << 30)
    let path = folder.appending(path: "a.yaml").path
    #expect(try library.machine(path).name == "mine")
    let node = try ConfigurationNode.parse("{base: b, name: ours}", file: "s.yaml")
    #expect(try library.machine(node).gpus[3].power.full.nominal == 300)
  }

  @Test(arguments: [["a"], ["b", "a"], ["b", "c", "a"]])
  func `Circles of machines are refused`(circle: [String]) throws {
    var name = "a"
    for next in circle {
      try write("base: \(next)\nname: x\n", to: "\(name).yaml")
      name = next
    }
    let error = try #require(throws: Diagnostic.self) { try self.library.machine("a") }
    #expect(error.description.contains("circle") && error.description.contains(".yaml:"))
  }

  @Test func `A missing base is missing, with a hint`() throws {
    try write("base: a100-sxm-servr\nname: x\n", to: "a.yaml")
    let error = try #require(throws: MissingFile.self) { try self.library.machine("a") }
    #expect(error.description.contains("did you mean 'a100-sxm-server'?"))
  }

  @Test func `A part's timing may name a file of laws`() throws {
    try write("source: measured\ngemm: {rows_half: 3}\n", to: "timings/mine.yaml")
    try write("base: a100-sxm-server\nname: x\ngpu: {timing: mine}\n", to: "a.yaml")
    let timing = try #require(try library.machine("a").gpus[0].timing)
    #expect(timing["source"]?.scalar == "measured")
    let path = folder.appending(path: "timings/mine.yaml").path
    try write("base: a100-sxm-server\nname: x\ncpu: {timing: \(path)}\n", to: "b.yaml")
    #expect(try library.machine("b").cpu.timing?["gemm"]?["rows_half"]?.scalar == "3")
    try write("base: a100-sxm-server\nname: x\ngpu: {timing: mines}\n", to: "c.yaml")
    let error = try #require(throws: Diagnostics.self) { try self.library.machine("c") }
    #expect(error.description.contains("did you mean 'mine'?"), "\(error)")
    #expect(error.all.count == 1, "\(error)")
  }

  @Test func `Clock and cache are read with their units`() throws {
    func gpu(_ keys: String) throws -> GPUProfile {
      try write("base: rtx-4090-desktop\nname: x\ngpu: {\(keys)}\n", to: "d.yaml")
      return try library.machine("d").gpus[0]
    }
    let read = try gpu("clock: 1.41 GHz, cache: 40 MiB")
    #expect(read.clock?.nominal == 1.41e9)
    #expect(read.cache?.nominal == Double(40 << 20))
    for wrong in ["clock: 1.41 GB", "clock: 0 GHz", "clock: 9 THz", "cache: 40", "cache: -1 MiB"] {
      let error = try #require(throws: Diagnostics.self, "\(wrong)") { try gpu(wrong) }
      let key = wrong.prefix { $0 != ":" }
      #expect(error.description.contains("gpus[0].\(key)"), "\(error)")
    }
  }
}

/// Machines whose GPUs have the laws of another machine's carried over.
extension FittedMachinesTests {
  @Test func `Laws may come from another machine's GPU`() throws {
    try write(
      "base: b200-server\nname: mine\nsummary: s\ngpu: {timing: {from: h100-sxm-calibrated}}\n",
      to: "a.yaml")
    let gpu = try library.machine("a").gpus[7]
    #expect(gpu.timing == nil && gpu.timingOrigin?.name == "NVIDIA H100 80 GB SXM")
    #expect(gpu.timingOrigin?.timing?["source"] != nil)
    #expect(gpu.memory.bandwidth.nominal == 7.7e12)
  }

  @Test(arguments: [
    ("{from: h100-sxm-server}", "carry no fitted laws"), ("{from: cpu-server-1s}", "has no GPU"),
    ("{from: h100-sxm-calibratd}", "did you mean 'h100-sxm-calibrated'?"),
    ("{from: [a]}", "expected the name of a machine"), ("{from: mine}", "in a circle"),
    ("{from: h100-sxm-calibrated, gemm: {launch: 1 us}}", "stands beside 'from'"),
  ])
  func `Laws that cannot be carried over are refused`(timing: String, words: String) throws {
    try write(
      "base: b200-server\nname: mine\nsummary: s\ngpu: {timing: \(timing)}\n", to: "mine.yaml")
    do {
      _ = try library.machine("mine")
      Issue.record("\(timing) was accepted.")
    } catch { #expect("\(error)".contains(words), "\(error)") }
  }
}
