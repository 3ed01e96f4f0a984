// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

/// The cases of one system that are to be run.
public struct ValidationSelection: Sendable {
  /// The system.
  public var system: ReferenceSystem
  /// The cases, in the order of the file.
  public var cases: [ReferenceCase]
  /// The rankings: all, or none when single cases were asked for.
  public var orderings: [ReferenceOrdering]

  /// The whole of a system.
  public init(_ system: ReferenceSystem) {
    self.system = system
    cases = system.cases
    orderings = system.orderings
  }

  /// The runs that must be simulated, in the order of the file.
  var neededRuns: [ReferenceRun] {
    let names = Set(cases.flatMap(\.value.simulatedRuns) + orderings.flatMap(\.runs))
    return system.runs.filter { names.contains($0.name) }
  }

  /// What some arguments ask for: systems, paths of files, or `SYSTEM/CASE`; everything of none.
  ///
  /// - Parameters:
  ///   - arguments: The arguments, in any order.
  ///   - figures: Knows the figures of a report.
  ///   - library: Where files are looked for.
  /// - Throws: `MissingFile` for a system or case that there is not; `Diagnostics` for files that are
  ///   wrong.
  public static func load(
    _ arguments: [String], figures: any ResultFigures, library: DataLibrary = .standard
  ) throws -> [ValidationSelection] {
    let names = arguments.isEmpty ? library.names(.referenceCases) : arguments
    guard !names.isEmpty else { throw library.missing("reference-cases", .referenceCases) }
    var order: [String] = []
    var wanted: [String: [String]?] = [:]
    for name in names {
      let (path, id) = try resolve(name, library)
      if wanted[path] == nil { order.append(path) }
      if let id {
        // A system that was asked for whole stays whole.
        if case .some(.none) = wanted[path] { continue }
        wanted[path] = ((wanted[path] ?? nil) ?? []) + [id]
      } else {
        wanted.updateValue(nil, forKey: path)
      }
    }
    let collector = DiagnosticCollector()
    var selection: [ValidationSelection] = []
    for path in order {
      do {
        let system = try ReferenceSystem.load(path: path, figures: figures, library: library)
        var part = ValidationSelection(system)
        if let ids = wanted[path] ?? nil { try part.restrict(to: ids) }
        selection.append(part)
      } catch let error as Diagnostics {
        error.all.forEach(collector.report)
      }
    }
    try collector.throwIfAny()
    return selection
  }

  /// The file that an argument names, and the case in it.
  private static func resolve(
    _ name: String, _ library: DataLibrary
  ) throws -> (path: String, id: String?) {
    if let path = library.path(of: name, .referenceCases) { return (path, nil) }
    if let slash = name.lastIndex(of: "/"),
      let path = library.path(of: String(name[..<slash]), .referenceCases)
    {
      return (path, String(name[name.index(after: slash)...]))
    }
    throw library.missing(name, .referenceCases)
  }

  private mutating func restrict(to ids: [String]) throws {
    for id in ids where !system.cases.contains(where: { $0.id == id }) {
      let known = system.cases.map(\.id)
      let guess = closestMatch(to: id, among: known).map { "did you mean '\(system.name)/\($0)'?" }
      throw MissingFile(
        path: "\(system.name)/\(id)", hint: guess ?? "cases are \(known.joined(separator: ", "))")
    }
    cases = system.cases.filter { ids.contains($0.id) }
    orderings = []
  }
}
