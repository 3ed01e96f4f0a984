// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation

extension Scenario {
  /// Reads a scenario.
  ///
  /// Values are taken from the defaults, then the policy preset, then the file, then the overrides,
  /// each before the ones named earlier.
  ///
  /// - Parameters:
  ///   - nameOrPath: A name in `scenarios/`, or a path.
  ///   - overrides: `path.to.key=value` settings, each value one of YAML.
  ///   - library: Where the names are looked for.
  /// - Throws: `MissingFile` when the scenario, or nothing but what it names, is absent;
  ///   `Diagnostics` with everything that is wrong.
  public static func load(
    _ nameOrPath: String, overrides: [String] = [], library: DataLibrary = .standard
  ) throws -> Scenario {
    guard let path = library.path(of: nameOrPath, .scenario) else {
      throw library.missing(nameOrPath, .scenario)
    }
    let node = try ConfigurationNode.load(path: path)
    return try read(node, file: path, overrides: overrides, library: library)
  }

  /// Reads a scenario that is already parsed; `file` is where relative paths count from.
  ///
  /// - Throws: As ``load(_:overrides:library:)``.
  public static func read(
    _ node: ConfigurationNode, file: String, overrides: [String] = [],
    library: DataLibrary = .standard
  ) throws -> Scenario {
    var resolver = ScenarioResolver(file: file, library: library)
    let tree = try resolver.resolve(node, overrides: overrides)
    return try ScenarioReader(tree: tree, resolver: resolver).read()
  }

  /// What a `--set` argument says: a path and a value.
  ///
  /// - Throws: A `Diagnostic` when it is not of the form `path.to.key=value`.
  static func parse(override text: String) throws(Diagnostic) -> (
    path: String, value: ConfigurationNode
  ) {
    let origin = "--set \(text)"
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
      throw Diagnostic(
        location: SourceLocation(origin: origin),
        message: "'\(text)' is no setting; path.to.key=value is expected")
    }
    let path = text[..<equals].filter { !$0.isWhitespace }
    let value = ConfigurationNode.value(
      parsing: String(text[text.index(after: equals)...]), origin: origin)
    return (path, value)
  }
}
