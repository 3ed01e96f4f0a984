// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import TestSupport
import Testing
import Units

@testable import Hardware

@Suite struct ShippedProfilesTests {
  @Test(arguments: shipped.machineNames)
  func machineIsRead(name: String) throws {
    let machine = try shipped.machine(name)
    #expect(machine.name == name)
    #expect(!machine.summary.isEmpty)
    #expect(machine.purchasePrice > 0)
    #expect(machine.fullWatts > machine.idleWatts)
    let entries = machine.describe()
    #expect(entries.count > 20)
    for entry in entries { check(entry) }
    let names = machine.resources.map(\.name)
    #expect(Set(names).count == names.count)
  }

  @Test(
    arguments: PartKind.allCases.flatMap { kind in shipped.partNames(kind).map { (kind, $0) } })
  func partIsRead(kind: PartKind, name: String) throws {
    let entries = try shipped.checkPart(kind, name)
    #expect(!entries.isEmpty)
    for entry in entries { check(entry) }
  }

  @Test(arguments: shipped.runtimeNames)
  func runtimeIsRead(name: String) throws {
    let runtime = try shipped.runtime(name)
    #expect(runtime.name == name)
    for entry in runtime.describe() { check(entry) }
  }

  /// Every number has a source; an achievable one has its own.
  private func check(_ entry: ProfileEntry) {
    let figure = entry.figure
    #expect(figure.hasSource, "\(entry.path) of \(entry.part) has no source (\(figure.origin))")
    #expect(figure.source.count >= 8, "\(figure.origin)")
    #expect(figure.nominal.isFinite && figure.nominal >= 0)
    if let achievable = figure.achievable {
      #expect(figure.achievableSource.count >= 4, "\(entry.path): \(figure.origin)")
      #expect(achievable > 0 && achievable <= figure.nominal * 1.05)
    } else {
      #expect(figure.achievableSource.isEmpty)
    }
    #expect(!entry.sourceText.contains("index id"))
    #expect(figure.origin.line > 0)
  }

  @Test func everythingPromisedIsThere() throws {
    let machines = [
      "rtx-3060-desktop", "rtx-3080-laptop", "rtx-3090-desktop", "rtx-4090-desktop",
      "rtx-5090-desktop", "a5000-workstation", "a6000-workstation", "rtx-pro-6000-workstation",
      "t4-server", "l4-server", "l40s-server", "a10-server", "a100-40-server", "a100-80-server",
      "a100-sxm-server", "h100-pcie-server", "h100-sxm-server", "h200-server", "b200-server",
      "b300-server", "gb200-nvl72",
      "mi300x-server", "jetson-agx-orin", "cpu-server-1s", "cpu-server-2s",
    ]
    #expect(Set(machines).subtracting(shipped.machineNames).isEmpty)
    #expect(
      Set([
        "ideal", "cuda-graphs", "eager-pytorch", "research-script", "llama.cpp",
        "fastertransformer",
      ])
      .subtracting(shipped.runtimeNames).isEmpty)
  }

  /// Data-sheet figures, written down apart from the profiles.
  @Test(
    arguments: [
      ("t4", 320, 65.1, 70), ("rtx-3060", 360, 25.5, 170), ("rtx-3080-mobile", 448, 38.0, 115),
      ("rtx-3090", 936.2, 71.2, 350), ("rtx-4090", 1008, 165.2, 450),
      ("rtx-4070-super", 504.2, 70.98, 220),
      ("rtx-5090", 1792, 209.5, 575), ("rtx-a5000", 768, 111.1, 230),
      ("rtx-a6000", 768, 154.8, 300), ("rtx-pro-6000", 1792, 467.8, 600), ("l4", 300, 121, 72),
      ("l40s", 864, 362, 350), ("a10", 600, 125, 150), ("a100-40-pcie", 1555, 312, 250),
      ("a100-40-sxm", 1555, 312, 400), ("a100-80-pcie", 1935, 312, 300),
      ("a100-80-sxm", 2039, 312, 400), ("h100-pcie", 2000, 756.5, 350),
      ("h100-sxm", 3350, 989, 700), ("h200-sxm", 4800, 989, 700), ("b200-sxm", 7700, 2250, 1000),
      ("b300-sxm", 7750, 2250, 1100), ("gb200", 8000, 2500, 1200),
      ("mi300x", 5300, 1307, 750),
    ] as [(String, Double, Double, Double)])
  func figuresAreThoseOfTheDataSheets(
    part: String, gigabytesPerSecond: Double, teraflops: Double, watts: Double
  ) throws {
    let entries = try shipped.checkPart(.gpu, part)
    func nominal(_ path: String) -> Double? {
      entries.first { $0.path == path }?.figure.nominal
    }
    #expect(nominal("memory.bandwidth") == gigabytesPerSecond * 1e9)
    #expect(abs((nominal("peak.fp16") ?? 0) - teraflops * 1e12) < 1e6)
    #expect(nominal("power.full") == watts)
  }

  @Test func quickstartMachine() throws {
    let machine = try shipped.machine("rtx-4090-desktop")
    #expect(machine.gpus.count == 1)
    #expect(machine.gpus[0].memory.capacityBytes == 24 << 30)
    #expect(machine.dram.capacityBytes == 128 << 30)
    #expect(machine.gpus[0].hostLink?.bandwidth.effective == 23.9e9)
    #expect(machine.gpus[0].hostLink?.bandwidth.nominal == 31.5e9)
    #expect(machine.gpus[0].hostLink?.isFullDuplex == true)
    #expect(machine.drives.first?.laneCount == 70)
    #expect(machine.rentPerHour == 0.6)
  }

  /// A machine's price and power are the sums of their parts, counted here by hand.
  @Test func pricesAndPowersAddUp() throws {
    let machine = try shipped.machine("rtx-4090-desktop")
    #expect(abs(machine.purchasePrice - (1599 + 589 + 128 * 5 + 170 + 650)) < 1e-6)
    #expect(abs(machine.idleWatts - (22 + 25 + 4 * 2 + 0.05 + 35)) < 1e-9)
    let server = try shipped.machine("h100-sxm-server")
    #expect(server.gpus.count == 8)
    #expect(server.cpu.sockets == 2)
    #expect(server.cpu.cores.nominal == 112)
    #expect(server.dram.bandwidth.effective == 440e9)
    #expect(server.dram.capacityBytes == 2 << 40)
    #expect(abs((server.rentPerHour ?? 0) - 8 * 4.76) < 1e-9)
    #expect(try shipped.machine("cpu-server-2s").rentPerHour == nil)
  }

  @Test func littlesLawHoldsForDrives() throws {
    for name in shipped.machineNames {
      for drive in try shipped.machine(name).drives where !drive.name.contains("SATA") {
        let needed = drive.readRate.nominal * drive.readLatency.nominal
        #expect(abs(Double(drive.laneCount) - needed) <= 0.02 * needed + 1)
      }
    }
  }
}

@Suite struct ProfileCheckingTests {
  /// Every file under `hardware-profiles` is recognised for what its folder says, and is right.
  @Test func everyFileIsRecognised() throws {
    let root = Checkout.root.appending(path: "hardware-profiles")
    let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
    var count = 0
    while let file = files?.nextObject() as? URL {
      guard file.pathExtension == "yaml" else { continue }
      let folder = file.deletingLastPathComponent().lastPathComponent
      // Kernels and timings are read by those who apply them.
      if folder == "kernels" || folder == "timings" { continue }
      let expected: ProfileKind =
        switch folder {
        case "hardware-profiles": .machine
        case "runtimes": .runtime
        default: .part(try #require(PartKind(rawValue: folder)))
        }
      #expect(try shipped.check(path: file.path).kind == expected, "\(file.path)")
      count += 1
    }
    #expect(count >= 100)
  }

  @Test func otherFilesAreRefused() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).yaml").path
    try Data("model: mixtral\n".utf8).write(to: URL(filePath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(throws: Diagnostics.self) { try shipped.check(path: path) }
    #expect(throws: MissingFile.self) { try shipped.check(path: path + ".none.yaml") }
  }

  @Test func theStandardLibraryFindsTheCheckout() {
    let names = ProfileLibrary(
      folders: DataFolders.named(
        "hardware-profiles", environment: ["MOESIM_DATA": Checkout.root.path], executable: nil)
    ).machineNames
    #expect(names.contains("rtx-4090-desktop"))
    let executable = Checkout.root.appending(path: ".build/x/debug/moesim").path
    let folders = DataFolders.named(
      "hardware-profiles", given: ["/given"], environment: [:], executable: executable)
    #expect(folders.first == "/given")
    #expect(folders.contains(Checkout.root.appending(path: "hardware-profiles").path))
  }
}
