// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware
import KernelTiming
import ModelDescriptors
import Units
import TestSupport
import Testing

@testable import Calibration

/// How well laws fitted to recorded timings predict shapes that they have not seen, where the data are at
/// hand. Fits take seconds in release and minutes in debug, where they are skipped.
@Suite(
  .enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.absence)),
  .enabled(if: BuildMode.isOptimised, "fits of whole tables run in release builds only"))
struct RecordedFitsTests {
  static func rows(
    _ format: String, _ file: String, model: String? = nil
  ) throws -> [KernelMeasurement] {
    let path = try #require(SharedData.path(file))
    var options = ImportOptions(device: nil)
    options.model = try model.map {
      try ModelLibrary(folders: [Checkout.root.appending(path: "models").path]).model(named: $0)
    }
    let importer = try #require(TimingImporters.named(format))
    return try TimingImporters.read([path], with: importer, options: options).rows
  }

  static func fits(
    _ rows: [KernelMeasurement], machine: String
  ) throws -> [FamilyFit] {
    let profile = try ProfileLibrary(folders: [
      Checkout.root.appending(path: "hardware-profiles").path
    ]).machine(machine)
    let target = try CalibrationTarget(
      profile, named: machine, rowsOf: try #require(rows.first).device)
    return try Calibrator(device: target.capability, base: target.standardLaws).fit(
      rows, source: "recorded"
    ).families
  }

  @Test func `Products on an A100`() throws {
    let rows = try Self.rows("aiconfigurator", "aiconfigurator/csv/gemm_a100_sxm_vllm0.14.0.csv")
    let fits = try Self.fits(rows, machine: "a100-sxm-server")
    #expect(!fits.isEmpty)
    for fit in fits {
      #expect(fit.heldOut.median <= 0.06, "\(fit.variant): \(fit.heldOut.median)")
      #expect(fit.heldOut.p90 <= 0.2, "\(fit.variant): \(fit.heldOut.p90)")
    }
  }

  @Test func `Fused experts in bf16 on an L40S`() throws {
    let rows = try Self.rows("aiconfigurator", "aiconfigurator/csv/moe_l40s_vllm0.24.0.csv")
      .filter { $0.precision == "bf16" }
    let fits = try Self.fits(rows, machine: "l40s-server")
    #expect(!fits.isEmpty)
    for fit in fits {
      #expect(fit.heldOut.median <= 0.06, "\(fit.variant): \(fit.heldOut.median)")
      #expect(fit.heldOut.p90 <= 0.2, "\(fit.variant): \(fit.heldOut.p90)")
    }
  }

  @Test func `Fused experts under measured loads on an A800`() throws {
    // An A800 is an A100 with slower links.
    let rows = try Self.rows("frontier", "frontier/a800_qwen3_30b_a3b_moe.csv")
      .filter { $0.kernel == .fusedExperts }
    let fits = try Self.fits(rows, machine: "a100-sxm-server")
    #expect(!fits.isEmpty)
    for fit in fits {
      #expect(fit.heldOut.median <= 0.08, "\(fit.variant): \(fit.heldOut.median)")
    }
  }

  @Test func `Fused experts by activated experts on an RTX PRO 6000`() throws {
    let rows = try Self.rows(
      "llmservingsim", "llmservingsim/perf_rtxpro6000_qwen3_30b_a3b/tp1_moe.csv",
      model: "qwen3-30b-a3b")
    let fits = try Self.fits(rows, machine: "rtx-pro-6000-workstation")
    #expect(!fits.isEmpty)
    for fit in fits {
      #expect(fit.heldOut.median <= 0.03, "\(fit.variant): \(fit.heldOut.median)")
    }
  }
}

/// How the tests were built.
enum BuildMode {
  static let isOptimised: Bool = {
    var isDebug = false
    assert(
      {
        isDebug = true
        return true
      }())
    return !isDebug
  }()
}
