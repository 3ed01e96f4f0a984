// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Policies
import Units

extension ScenarioReader {
  /// The roles of a policy.
  func policy(_ top: MappingReader) -> ScenarioPolicy {
    let reader = MappingReader(top.requiredChild("policy"), into: collector)
    defer { reader.finish() }
    let problemsBefore = collector.all.count
    let policy = ScenarioPolicy(
      preset: reader.string("preset"), eviction: role(reader, "eviction"),
      hostEviction: role(reader, "host_eviction"), prediction: role(reader, "prediction"),
      prefetch: role(reader, "prefetch"), schedule: role(reader, "schedule"),
      resolve: role(reader, "resolve"), placement: role(reader, "placement"),
      admission: role(reader, "admission"), transform: role(reader, "transform"),
      kernels: kernels(reader), chunks: reader.int("chunks", in: 1...255) ?? 1,
      pinned: reader.bool("pinned") ?? true, writeBack: reader.bool("write_back") ?? false,
      serialTransfers: reader.bool("serial_transfers") ?? false)
    if collector.all.count == problemsBefore {
      checkPrediction(of: policy, reader)
      checkGraph(of: policy, reader)
    }
    return policy
  }

  /// The kernels by name or in place; `nil` for those that the law describes.
  private func kernels(_ reader: MappingReader) -> ScenarioReference? {
    guard reader.has("kernels"), reader.node["kernels"]?.scalar != "none" else { return nil }
    return reference(reader, "kernels", .kernels)
  }

  /// A role by name, or by name and parameters.
  func role(_ reader: MappingReader, _ key: String) -> ScenarioRole {
    let choices = ScenarioRoleNames.choices(of: key)
    let names = choices.map(\.name)
    let location = reader.node[key]?.location ?? reader.node.location
    let problemsBefore = collector.all.count
    guard let node = reader.child(key), node.mapping != nil else {
      let role = ScenarioRole(
        name: reader.requiredChoice(key, among: names), location: location)
      if collector.all.count == problemsBefore,
        let problem = choices.first(where: { $0.name == role.name })?.problem(role.parameters)
      {
        reader.report(key, "'\(role.name)': \(problem)")
      }
      return role
    }
    let inner = MappingReader(node, into: collector)
    var role = ScenarioRole(name: inner.requiredChoice("name", among: names), location: location)
    guard collector.all.count == problemsBefore,
      let choice = choices.first(where: { $0.name == role.name })
    else {
      // Which parameters there are, the name would say.
      inner.ignoreRest()
      return role
    }
    for parameter in choice.parameters {
      read(parameter, inner, into: &role.parameters)
    }
    inner.finish()
    if collector.all.count == problemsBefore, let problem = choice.problem(role.parameters) {
      inner.report(problem.parameter, problem.message)
    }
    return role
  }

  /// Takes over what a role's mapping sets a parameter to, if it does.
  private func read(
    _ parameter: RoleParameter, _ reader: MappingReader, into settings: inout RoleSettings
  ) {
    let name = parameter.name
    switch parameter.form {
    case .choice(let words):
      if let word = reader.choice(name, among: words) { settings.set(name, to: word) }
    case .format:
      if reader.format(name) != nil, let text = reader.string(name) { settings.set(name, to: text) }
    default:
      if let values = values(of: parameter, reader) { settings.set(name, to: values) }
    }
  }

  /// What a role's mapping sets a parameter of numbers to.
  private func values(of parameter: RoleParameter, _ reader: MappingReader) -> [Double]? {
    switch parameter.form {
    case .choice, .format: return nil
    case .count(let range):
      return reader.int(parameter.name, in: range).map { [Double($0)] }
    case .number(let range):
      return reader.double(parameter.name, in: range).map { [$0] }
    case .duration(let range):
      return reader.quantity(parameter.name, .seconds, in: range).map { [$0] }
    case .flag:
      return reader.bool(parameter.name).map { [$0 ? 1 : 0] }
    case .shares(let range, let most):
      guard let node = reader.child(parameter.name), let elements = node.sequence else {
        return reader.quantity(parameter.name, .fraction, in: range).map { [$0] }
      }
      guard !elements.isEmpty, elements.count <= most else {
        reader.report(parameter.name, "is a list of \(elements.count); 1 to \(most) are expected")
        return nil
      }
      let values = elements.compactMap {
        $0.read(into: collector) { $0.quantity(.fraction, in: range) }
      }
      return values.count == elements.count ? values : nil
    }
  }

  /// A prefetch policy that fetches what is predicted needs a predictor that sees as far, and a
  /// predictor needs a policy that uses what it says.
  private func checkPrediction(of policy: ScenarioPolicy, _ reader: MappingReader) {
    guard let roles = try? policy.predictionRoles() else { return }
    let depth = roles.prefetch.predictionDepth
    let reach = roles.prediction.reach
    if depth > 0, reach == 0 {
      let predictors = ScenarioRoleNames.prediction.filter { $0 != "none" }
      reader.report(
        "prefetch",
        "'\(policy.prefetch.name)' fetches what a predictor names, and there is none; set"
          + " policy.prediction to \(predictors.joined(separator: ", "))")
    } else if depth == 0, reach > 0 {
      reader.report(
        "prediction",
        "'\(policy.prediction.name)' has no use: prefetch '\(policy.prefetch.name)' asks for no"
          + " predictions; set policy.prefetch to predicted")
    } else if depth > 0, depth < roles.prediction.nearest {
      reader.report(
        "prefetch",
        "fetches for \(depth) layers ahead, but the predictor '\(policy.prediction.name)' answers from"
          + " \(roles.prediction.nearest) layers ahead on; set policy.prefetch.depth")
    } else if depth > reach {
      reader.report(
        "prefetch",
        "fetches for \(depth) layers ahead, but the predictor '\(policy.prediction.name)' sees"
          + " \(reach)")
    }
  }
}
