// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

extension ReferenceReader {
  /// Reads what was fitted, and checks it against the cases and the runs.
  ///
  /// A case on which something was fitted is labelled so, and the fitted value is one that a run has.
  func readCalibration(
    _ node: ConfigurationNode, cases: [ReferenceCase], runs: [ReferenceRun]
  ) -> ReferenceCalibration {
    let reader = MappingReader(node, into: collector)
    let parameter = reader.requiredString("parameter")
    let value = reader.requiredChild("value")
    let names = reader.sequence("fitted_on")
    let fittedOn = names.compactMap { $0.read(into: collector) { $0.text } }
    if names.isEmpty { reader.report("fitted_on", "names no case") }
    let how = reader.requiredString("how")
    reader.finish()
    for node in names { checkCase(node, among: cases) }
    if !value.isNull, !runs.isEmpty,
      !runs.contains(where: { $0.scenario.tree.value(at: parameter)?.json == value.json })
    {
      reader.report(
        "value", "no run has \(parameter) = \(value.json.prefix(60)): it is not what was fitted")
    }
    return ReferenceCalibration(
      parameter: parameter, value: value.scalar ?? value.json, fittedOn: fittedOn, how: how)
  }

  /// Checks that a case is one of the file's and labelled as calibrated, or another system's.
  private func checkCase(_ node: ConfigurationNode, among cases: [ReferenceCase]) {
    guard let id = node.scalar, !id.contains("/") else { return }
    guard let one = cases.first(where: { $0.id == id }) else {
      let guess = closestMatch(to: id, among: cases.map(\.id))
      collector.report(
        node,
        "no case has the id '\(id.prefix(60))'" + (guess.map { "; did you mean '\($0)'?" } ?? ""))
      return
    }
    if one.status == .counted {
      collector.report(
        node, "something was fitted on '\(id)', which is counted; its status must be calibrated")
    }
  }

  /// Reports cases that are labelled as calibrated while nothing was fitted on them.
  func refuseUnexplained(_ cases: [ReferenceCase], _ calibration: [ReferenceCalibration]) {
    for one in cases where one.status == .calibrated {
      guard !calibration.contains(where: { $0.fittedOn.contains(one.id) }) else { continue }
      collector.report(
        Diagnostic(
          location: one.location, path: "cases",
          message: "'\(one.id)' is calibrated, and no entry of calibration was fitted on it"))
    }
  }
}
