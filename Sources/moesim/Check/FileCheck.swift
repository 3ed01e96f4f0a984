// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Experiments
import Foundation
import Hardware
import KernelTiming
import ModelDescriptors
import Reports
import Routing
import Studies
import Workload

/// Recognises what a file is meant to be, and reads it whole.
struct FileCheck {
  /// The file.
  let path: String
  private let library = DataLibrary.standard

  /// A check of a file.
  init(path: String) { self.path = path }

  /// Reads the file; answers what it is.
  ///
  /// - Throws: Everything that is wrong with it.
  func run() throws -> String {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw MissingFile(path: path)
    }
    guard !isFolder.boolValue else {
      let inside = path + "/config.json"
      guard FileManager.default.fileExists(atPath: inside) else {
        throw Diagnostic(
          location: SourceLocation(origin: path), message: "is a folder; expected a file")
      }
      return try FileCheck(path: inside).run()
    }
    switch URL(filePath: path).pathExtension.lowercased() {
    case "json" where try isTimeline(): return try checkTimeline()
    case "yaml", "yml", "json": return try checkConfiguration()
    default: return try checkTrace()
    }
  }

  /// Whether the file begins as a timeline does: with the list of a trace's events.
  private func isTimeline() throws -> Bool {
    let file = try FileHandle(forReadingFrom: URL(filePath: path))
    defer { try? file.close() }
    let head = String(decoding: try file.read(upToCount: 4096) ?? Data(), as: UTF8.self)
    return head.contains("\"traceEvents\"")
  }

  /// Reads a timeline for what a viewer would draw wrongly.
  private func checkTimeline() throws -> String {
    let check = try ChromeTraceCheck(path: path)
    let told = check.violations.prefix(100).map {
      Diagnostic(location: SourceLocation(origin: path), message: $0)
    }
    let untold = check.violationCount - told.count
    if !told.isEmpty {
      let rest =
        untold > 0
        ? [
          Diagnostic(location: SourceLocation(origin: path), message: "\(untold) more of the kind")
        ]
        : []
      throw Diagnostics(told + rest)
    }
    return "timeline of \(check.slices) slices on \(check.tracks) tracks"
  }

  private func checkConfiguration() throws -> String {
    let node = try ConfigurationNode.load(path: path)
    let keys = (node.mapping ?? []).map(\.key)
    func has(_ names: String...) -> Bool { names.contains { keys.contains($0) } }
    if has("model_type", "architectures", "text_config") {
      return "model \(try ModelDescriptor.load(configPath: path).name)"
    }
    if let part = partKind {
      let name = URL(filePath: path).deletingPathExtension().lastPathComponent
      let folder = URL(filePath: path).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path
      _ = try ProfileLibrary.standard(given: [folder]).checkPart(part, name)
      return "\(part.rawValue) part \(name)"
    }
    if has("system", "cases", "orderings") {
      let system = try ReferenceSystem.read(node, file: path, figures: ReportedFigures())
      return "reference cases of \(system.name)"
    }
    if has(StudyReader.key) { return try checkStudy(node) }
    if PlanFile.marks.contains(where: keys.contains) {
      return "plan \(try PlanFile.read(node, file: path).name)"
    }
    if has("hardware", "model") { return try checkScenario(node) }
    if has("gpus", "cpu", "chassis", "base") {
      return "machine \(try ProfileLibrary.standard().machine(path).name)"
    }
    if has("per_kernel", "per_step", "per_layer") {
      return "runtime \(try ProfileLibrary.standard().runtime(path).name)"
    }
    if has("entries") { return "kernels \(try KernelSet.load(path: path).name)" }
    if has("source"),
      keys.contains(where: { key in
        key == "attention" || KernelFamily.allCases.contains { $0.name == key }
      })
    {
      let collector = DiagnosticCollector()
      let laws = TimingLaws.read(node, over: .datasheet, into: collector)
      try collector.throwIfAny()
      return "timing laws \(laws.source)"
    }
    if has("depth", "lags", "layers") { return try checkRoutingParameters(node) }
    if has("eviction", "prefetch", "prediction", "schedule", "admission") {
      return "policy preset \(try ScenarioPolicy.load(preset: path).preset ?? "")"
    }
    if let workload = node["workload"] {
      let collector = DiagnosticCollector()
      _ = WorkloadDescription(reading: workload, into: collector)
      try collector.throwIfAny()
      return "workload"
    }
    if has("repository", "published", "dimensions_source"), let model = describedModel {
      return "side file of model \(try ModelDescriptor.load(configPath: model).name)"
    }
    throw Diagnostic(
      location: node.location,
      message:
        "is neither scenario, plan, machine, part, runtime, kernels, timing laws, model, policy preset, workload, "
        + "reference cases nor routing parameters: none of their keys stands here")
  }

  /// The kind of part that the file is by its folder, `parts/KIND/`.
  private var partKind: PartKind? {
    let folders = URL(filePath: path).pathComponents.dropLast()
    guard folders.dropLast().last == "parts", let kind = folders.last else { return nil }
    return PartKind(rawValue: kind)
  }

  /// The model beside a side file.
  private var describedModel: String? {
    let model = URL(filePath: path).deletingPathExtension().appendingPathExtension("json").path
    return FileManager.default.fileExists(atPath: model) ? model : nil
  }

  /// The study, and all that its points name.
  private func checkStudy(_ node: ConfigurationNode) throws -> String {
    let planner = try SweepPlanner(try StudyReader.read(node, file: path))
    if let wrong = planner.points.first(where: { $0.problem != nil }) {
      throw Diagnostic(
        location: node.location, path: StudyReader.key,
        message:
          "the point \(wrong.labels.joined(separator: ", ")) is wrong: \(wrong.problem ?? "")")
    }
    return "study \(planner.study.name) of \(planner.points.count) points"
  }

  /// The scenario, and all that it names.
  private func checkScenario(_ node: ConfigurationNode) throws -> String {
    let scenario = try Scenario.read(node, file: path)
    let collector = DiagnosticCollector()
    func part(_ work: () throws -> Void) throws {
      do {
        try work()
      } catch let error as Diagnostics {
        error.all.forEach(collector.report)
      } catch let error as Diagnostic {
        collector.report(error)
      } catch let error as MissingFile {
        throw error
      } catch {
        collector.report(Diagnostic(location: nil, message: "\(error)"))
      }
    }
    let profiles = ProfileLibrary.standard()
    try part {
      if let inline = scenario.hardware.inline {
        _ = try profiles.machine(inline)
      } else if let file = scenario.hardware.path {
        _ = try profiles.machine(file)
      }
    }
    try part {
      if let inline = scenario.runtime.inline {
        _ = try profiles.runtime(inline)
      } else if let file = scenario.runtime.path {
        _ = try profiles.runtime(file)
      }
    }
    try part {
      if let inline = scenario.model.inline {
        _ = try ModelDescriptor.read(inline, name: scenario.model.label)
      } else if let file = scenario.model.path {
        _ = try ModelDescriptor.load(configPath: file)
      }
    }
    try part {
      if case .generator(let generator) = scenario.routing.source {
        _ = try RoutingParameterFile.read(try generator.load())
      }
    }
    try part { if let trace = scenario.workload.trace { try checkRequests(trace) } }
    try collector.throwIfAny()
    // Parts that are right alone must go together: a trace's shape with the model's, roles with names.
    try part {
      if scenario.fleet.wideArea != nil {
        // A pipeline over a wide-area network has neither machine nor policy to go together.
      } else if scenario.isFleet {
        _ = try scenario.fleetConfiguration()
      } else {
        _ = try scenario.configuration()
      }
    }
    try collector.throwIfAny()
    return "scenario \(scenario.name)"
  }

  private func checkRoutingParameters(_ node: ConfigurationNode) throws -> String {
    switch try RoutingParameterFile.read(node) {
    case .layers(let parameters):
      _ = try GeneratedRouting(parameters: parameters, seed: 1)
      return "routing parameters \(parameters.name)"
    case .profile(let profile): return "routing parameters \(profile.name)"
    }
  }

  private func checkTrace() throws -> String {
    let named: RoutingTraceFormat? =
      URL(filePath: path).pathExtension.lowercased() == "moesim" ? .moesim : nil
    if let format = try RoutingTraceFormat.recognise(path: path) ?? named {
      let file = try RoutingTraceFile(
        path: path, options: RoutingTraceFile.Options(format: format))
      var reader = try file.reader()
      var event = RoutingLayerEvent()
      while try reader.next(into: &event) {}
      return "routing trace (\(format.rawValue))"
    }
    if let word = unknownBeginning() {
      throw Diagnostic(
        location: SourceLocation(origin: path),
        message:
          "is not known as a trace: '\(word)' begins neither a request trace nor a routing trace "
          + "(topk-bytes has no mark; 'moesim trace inspect' takes its shape), and scenarios, "
          + "profiles, models and policies end in .yaml or .json")
    }
    let format = try checkRequests(path)
    return "request trace (\(format.rawValue))"
  }

  /// How the file begins, where no request trace begins so.
  private func unknownBeginning() -> String? {
    guard let file = FileHandle(forReadingAtPath: path) else { return nil }
    defer { try? file.close() }
    guard let head = try? file.read(upToCount: 4096) else { return nil }
    let lines = String(decoding: head, as: UTF8.self).split(whereSeparator: \.isNewline)
      .filter { !$0.hasPrefix("#") && $0.contains { !$0.isWhitespace } }
    guard let line = lines.first else { return nil }
    guard RequestTraceFormat.recognized(firstLine: String(line)) == nil else { return nil }
    return String(
      String.UnicodeScalarView(line.unicodeScalars.filter { $0.value >= 32 }.prefix(40)))
  }

  /// Reads a request trace to its end, past lines that are wrong.
  @discardableResult
  private func checkRequests(_ path: String) throws -> RequestTraceFormat {
    let reader = try RequestTraceReader(path: path)
    let collector = DiagnosticCollector()
    var record = RequestRecord()
    var isAtEnd = false
    while !isAtEnd, collector.dropped == 0 {
      do {
        isAtEnd = try !reader.next(into: &record)
      } catch let error as Diagnostic {
        collector.report(error)
      }
    }
    try collector.throwIfAny()
    return reader.format
  }
}
