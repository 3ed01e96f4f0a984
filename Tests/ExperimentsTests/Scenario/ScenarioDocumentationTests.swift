// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import TestSupport
import Testing
import Workload

@testable import Experiments

@Suite("The description of scenarios")
struct ScenarioDocumentationTests {
  private func document() throws -> String {
    try String(contentsOf: Checkout.root.appending(path: "docs/scenario.md"), encoding: .utf8)
  }

  private func leaves(_ node: ConfigurationNode) -> [ConfigurationNode] {
    guard let entries = node.mapping, !entries.isEmpty else { return [node] }
    return entries.flatMap { leaves($0.value) }
  }

  @Test("Every key with a default is described with it")
  func defaults() throws {
    let rows = try document().split(separator: "\n").filter { $0.hasPrefix("| `") }
    for leaf in leaves(ScenarioDefaults.tree()) where leaf.mapping == nil {
      let row = rows.first { $0.hasPrefix("| `\(leaf.path)` |") }
      let text = try #require(row, "\(leaf.path) is not described")
      let cells = text.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      let value = try #require(leaf.scalar)
      #expect(cells[2].replacing("`", with: "") == value, "\(leaf.path)")
    }
  }

  @Test("Every choice is described")
  func choices() throws {
    let text = try document()
    let names =
      ScenarioRoleNames.eviction + ScenarioRoleNames.prefetch + ScenarioRoleNames.schedule
      + ScenarioRoleNames.admission + ScenarioRoleNames.prediction + ScenarioRoleNames.resolve
      + ScenarioRoleNames.placement + ScenarioRoleNames.transform
      + ScenarioRoleNames.requestRouting
      + WorkloadDescription.processNames
      + WorkloadDescription.distributionNames + RequestTraceFormat.allCases.map(\.rawValue)
    for name in names { #expect(text.contains("`\(name)`"), "\(name)") }
    for role in ScenarioPrecision.roles { #expect(text.contains("| `precision.\(role)` |")) }
  }

  @Test("Every parameter of a role is described with its default")
  func parameters() throws {
    let rows = try document().split(separator: "\n")
    for (role, choices) in ScenarioRoleNames.all {
      for parameter in choices.flatMap(\.parameters) {
        let key = "\(ScenarioRoleNames.key(of: role)).\(parameter.name)"
        // Implementations may know a parameter of one name with defaults of their own.
        let described = rows.filter { $0.hasPrefix("| `\(key)` |") }
        #expect(
          described.contains { $0.contains("| \(parameter.defaultText) |") },
          "\(key) of \(choices.filter { $0.parameters.contains { $0.name == parameter.name } })")
      }
    }
  }

  @Test("Every described key can be set", arguments: try! describedKeys())
  func settable(key: String) throws {
    let files = try TemporaryLibrary()
    // Some keys have a meaning only beside another.
    var context: [String] = []
    if key.hasPrefix("routing."), key != "routing.generator" {
      context = ["routing.trace=experts.bin"]
    }
    if key.hasPrefix("workload.arrivals.") {
      let process =
        ["burstiness": "gamma", "rate": "gamma"][key.split(separator: ".").last ?? ""]
        ?? "closed-loop"
      context = ["workload.arrivals={process: \(process)}"]
    }
    for (role, choices) in ScenarioRoleNames.all {
      let owner = choices.first { choice in
        choice.parameters.contains { key == "\(ScenarioRoleNames.key(of: role)).\($0.name)" }
      }
      if let owner { context = ["\(ScenarioRoleNames.key(of: role)).name=\(owner.name)"] }
    }
    do {
      _ = try files.scenario(TemporaryLibrary.base, set: context + ["\(key)={no: {such: value}}"])
    } catch let error as Diagnostics {
      // A wrong value is refused as such, not as an unknown key.
      #expect(!error.all.contains { $0.message.contains("unknown key '\(key)'") })
      let last = key.split(separator: ".").last ?? ""
      #expect(
        !error.all.contains { $0.path == key && $0.message.contains("unknown key '\(last)'") },
        "\(error)")
    }
  }

  private static func describedKeys() throws -> [String] {
    let text = try String(
      contentsOf: Checkout.root.appending(path: "docs/scenario.md"), encoding: .utf8)
    return text.split(separator: "\n").compactMap { line in
      guard line.hasPrefix("| `"), let end = line.dropFirst(3).firstIndex(of: "`") else {
        return nil
      }
      let key = String(line.dropFirst(3)[..<end])
      // Distributions are described by name, and what is for the reader alone takes anything.
      let isKey = key.contains(".") || ["hardware", "model", "runtime"].contains(key)
      return isKey ? key : nil
    }
  }

  @Test("The shipped presets are policies", arguments: try! presetFiles())
  func presets(file: String) throws {
    let node = try ConfigurationNode.load(path: file)
    for key in ScenarioResolver.presetDescription {
      #expect(node[key]?.scalar?.isEmpty == false, "\(file) lacks \(key)")
    }
    let files = try TemporaryLibrary()
    let scenario = try files.scenario(TemporaryLibrary.base, set: ["policy={preset: \(file)}"])
    #expect(
      scenario.policy.eviction.name
        == node["eviction"]?.scalar ?? node["eviction"]?["name"]?.scalar)
    for (key, role) in [
      ("prefetch", scenario.policy.prefetch), ("prediction", scenario.policy.prediction),
    ] {
      guard let written = node[key] else { continue }
      #expect(role.name == written.scalar ?? written["name"]?.scalar)
    }
    #expect(node["name"]?.scalar == URL(filePath: file).deletingPathExtension().lastPathComponent)
  }

  private static func presetFiles() throws -> [String] {
    let folder = Checkout.root.appending(path: "policies").path
    return try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasSuffix(".yaml") }.sorted().map { "\(folder)/\($0)" }
  }
}
