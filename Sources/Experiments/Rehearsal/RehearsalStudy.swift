// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Foundation
import Policies
import Residency
import Serving

/// Simulates a scenario and executes the same steps on this machine.
public struct RehearsalStudy {
  /// What came of a rehearsal.
  public struct Outcome {
    /// Both sides.
    public var report: RehearsalReport
    /// What the execution did, step by step.
    public var record: RehearsalRecord
    /// The simulation's tracks and slices.
    public var simulatedTracks: [TimelineTrack]
    /// The simulation's slices.
    public var simulatedSlices: [TimelineSlice]
    /// The rows that were measured before and after.
    public var measurements: [KernelMeasurement]
  }

  /// What is done at the moment, for a display.
  public enum Progress: Sendable {
    /// The file of experts is written; the share that stands.
    case writing(Double)
    /// The machine is measured.
    case measuring
    /// The steps are executed; so many attempts before.
    case executing(attempt: Int)
  }

  let options: RehearsalOptions
  let configuration: ServingConfiguration
  let model: RehearsalModel
  private(set) var notices: [String] = []

  /// Prepares the rehearsal of a scenario.
  ///
  /// - Throws: `RehearsalRefusal` where the scenario has parts that are not executed; what reading
  ///   a scenario throws.
  public init(
    _ scenario: Scenario, options: RehearsalOptions, library: DataLibrary = .standard
  ) throws {
    self.options = options
    var configuration = try scenario.configuration(library: library)
    try Self.check(configuration)
    model = try RehearsalModel(configuration.model, precision: configuration.precision)
    if let rows = options.timings {
      let laws = try RehearsalLaws(rows)
      configuration.timing = laws.timing(over: configuration.timing)
      if let rate = laws.readRate { Self.setDrive(of: &configuration.figures, rate: rate) }
      notices.append(
        "the simulation takes the processor's timing and the drive's rate from \(rows.count) rows of"
          + " earlier measurements, not from the profile of \(configuration.figures.name)")
    }
    configuration.figures.drive?.lanes = options.settings.readers
    if let pace = options.settings.pace { Self.setDrive(of: &configuration.figures, rate: pace) }
    self.configuration = configuration
  }

  /// Sets what a drive delivers, to one request as to several.
  private static func setDrive(of figures: inout MachineFigures, rate: Double) {
    figures.drive?.bandwidth = rate
    figures.drive?.laneRate = rate
    figures.drive?.latencySeconds = 0
  }

  private static func check(_ configuration: ServingConfiguration) throws {
    let policy = configuration.policy
    guard configuration.figures.isUnified, configuration.figures.drive != nil else {
      throw RehearsalRefusal(
        "\(configuration.figures.name) has a GPU, or no drive; what is executed is a machine whose"
          + " processor computes, with experts on a drive (hardware: cpu-desktop, or a profile of"
          + " this machine)")
    }
    if policy.schedule is any GraphSchedulePolicy {
      throw RehearsalRefusal("schedules that decide whole steps beforehand are not executed")
    }
    if case .oneByOne = policy.schedule.access {
      throw RehearsalRefusal("experts are asked for as one set; schedule: expert-by-expert is not")
    }
    guard policy.resolve is FetchResolve else {
      throw RehearsalRefusal(
        "activated experts are fetched; other choices of policy.resolve are not")
    }
    guard policy.prefetch.landing == .cache || !policy.prefetch.isActive else {
      throw RehearsalRefusal("prefetching lands in the cache; landing: buffers is not executed")
    }
    guard !policy.prefetch.awaitsWholeLayers else {
      throw RehearsalRefusal("layers that wait for all of their experts are not executed")
    }
    guard configuration.limits.beams == 1 else {
      throw RehearsalRefusal("sequences of one beam are executed")
    }
  }

  // MARK: Running

  /// Simulates and executes.
  ///
  /// - Throws: `DoesNotFit` where the budget is exceeded; `RehearsalRefusal` where the machine
  ///   fails.
  public func run(progress: ((Progress) -> Void)? = nil) throws -> Outcome {
    let simulation = try ServingSimulation.run(
      configuration, timeline: SliceCollector(), decisions: DecisionCollector())
    guard let log = simulation.decisions as? DecisionCollector,
      let slices = simulation.timeline as? SliceCollector, let layout = log.layout
    else { preconditionFailure("A run returns the sinks that it was given.") }
    guard layout.versions == 1, layout.bytes(of: BlockID(0)) == Int64(model.expertBytes) else {
      throw RehearsalRefusal("the scenario's experts have other sizes than what is executed")
    }
    let simulated = RehearsalReport.Side(log, slices: slices, expertBytes: model.expertBytes)
    let slots = log.slots.reduce(0, +)
    guard slots > 0, slots < layout.expertBlockCount else {
      throw RehearsalRefusal("the cache holds every expert, or none; there is nothing to rehearse")
    }
    let demand = RehearsalDemand(
      model: model, layout: layout, slots: slots, log: log,
      simulatedSeconds: simulation.result.simulatedSeconds, options: options)
    let file = ExpertFile(
      path: options.folder + "/moesim-experts-\(layout.expertBlockCount)x\(model.expertStride).bin",
      blocks: layout.expertBlockCount, stride: model.expertStride)
    let stands = file.isThere
    try demand.check(against: options.budget, fileStands: stands, perLayer: log.slots.count > 1)
    if !stands { try file.write { progress?(.writing($0)) } }
    defer { if !options.keepsFile { file.remove() } }
    var settings = options.settings
    if let drive = configuration.figures.drive { settings.pieceBytes = Int(drive.requestBytes) }
    settings.buffers = configuration.cache.stagingBuffers
    let executor = try RehearsalExecutor(
      model, layout: layout, slots: slots, file: file,
      limits: (demand.sequences, demand.tokens, demand.rows),
      schedule: configuration.policy.schedule, settings: settings)
    return try execute(
      executor, log: log, slices: slices, simulated: simulated, slots: slots, demand: demand,
      progress: progress)
  }

  private func execute(
    _ executor: RehearsalExecutor, log: DecisionCollector, slices: SliceCollector,
    simulated: RehearsalReport.Side, slots: Int, demand: RehearsalDemand,
    progress: ((Progress) -> Void)?
  ) throws -> Outcome {
    var measuring = RehearsalExecutor.MeasuringOptions()
    measuring.seconds = options.measuringSeconds
    measuring.past = demand.tokens * 3 / 4
    measuring.date = options.date
    measuring.device = options.device
    progress?(.measuring)
    var before = try executor.measure(measuring)
    var rows = before
    var attempt = 0
    while true {
      progress?(.executing(attempt: attempt))
      var (director, isLive) = try director(log)
      let record = try executor.run(&director)
      let isRight = executor.holds(finalContent(log))
      progress?(.measuring)
      let after = try executor.measure(measuring)
      rows += after
      attempt += 1
      let drift = drift(before, after)
      let largest = drift.map { abs($0.change) }.max() ?? 0
      if largest > options.driftLimit && attempt < options.repeats {
        before = after
        continue
      }
      var report = self.report(
        simulated: simulated, record: record, log: log, isLive: isLive, slots: slots)
      report.contentIsRight = isRight && record.wrongSlots == 0
      report.measured.drift = drift
      report.measured.largestDrift = largest
      report.measured.attempts = attempt
      report.measured.products = executor.products.name
      if largest > options.driftLimit {
        report.notices.append(
          "the machine drifted by \(Int((largest * 100).rounded())) % during the execution, more than"
            + " \(Int(options.driftLimit * 100)) %, in each of \(attempt) attempts; its times say little"
        )
      }
      return Outcome(
        report: report, record: record, simulatedTracks: slices.tracks,
        simulatedSlices: slices.slices, measurements: rows)
    }
  }

  /// Who decides for the execution.
  private func director(
    _ log: DecisionCollector
  ) throws -> (director: any RehearsalDirector, isLive: Bool) {
    let policy = configuration.policy
    let canBeLive =
      !policy.prefetch.isActive && !policy.eviction.needsFuture
    switch options.decisions {
    case .live where !canBeLive:
      throw RehearsalRefusal(
        "policies that prefetch, or whose eviction rule knows the future, follow the simulation's"
          + " decisions: --decisions simulated")
    case .simulated: break
    case .auto, .live:
      guard canBeLive else { break }
      var source = try configuration.makeRequests()
      var requests: [RehearsalRequest] = []
      if source.isClosedLoop {
        guard options.decisions == .auto else {
          throw RehearsalRefusal("closed loops follow the simulation's decisions")
        }
        break
      }
      while let request = try source.next() {
        requests.append(
          .init(
            number: request.number, promptTokens: Int(request.promptTokens),
            outputTokens: Int(request.outputTokens)))
      }
      return (
        LiveDirector(
          tier: try ServingSimulation.expertTier(of: configuration),
          routing: try configuration.makeRouting(), steps: log.steps, requests: requests,
          resetsPerRequest: configuration.cache.resetsPerRequest), true
      )
    }
    return (RecordedDirector(content: log.content, decisions: log.decisions), false)
  }

  /// What the slots hold when all decisions have been carried out.
  private func finalContent(_ log: DecisionCollector) -> [Decision.Place] {
    var residency = ReplayedResidency(content: log.content, slots: log.slots.reduce(0, +))
    for decision in log.decisions { residency.take(decision) }
    return residency.places
  }
}
