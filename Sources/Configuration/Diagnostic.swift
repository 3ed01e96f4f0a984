// SPDX-License-Identifier: GPL-3.0-or-later

/// One thing that is wrong with a file or a setting.
public struct Diagnostic: Error, Hashable, Sendable, CustomStringConvertible {
  /// Where it stands, if it stands anywhere.
  public var location: SourceLocation?
  /// The key path of the value, "policy.eviction"; empty for the file as a whole.
  public var path: String
  /// What was found and what would be right.
  public var message: String

  /// Creates a diagnostic.
  public init(location: SourceLocation?, path: String = "", message: String) {
    self.location = location
    self.path = path
    self.message = message
  }

  /// "file:line:column: key.path: message".
  public var description: String {
    let parts = [location.map { "\($0)" } ?? "", path, message].filter { !$0.isEmpty }
    return parts.joined(separator: ": ")
  }
}

/// Everything that is wrong with a file, at once. Exit code 65.
public struct Diagnostics: Error, Hashable, Sendable, CustomStringConvertible {
  /// At least one diagnostic, in the order of discovery.
  public var all: [Diagnostic]

  /// Creates a list of what is wrong.
  public init(_ all: [Diagnostic]) { self.all = all }

  /// One diagnostic a line.
  public var description: String { all.map(\.description).joined(separator: "\n") }
}

/// A file or a named entry that does not exist. Exit code 66.
public struct MissingFile: Error, Hashable, Sendable, CustomStringConvertible {
  /// The path or name as it was given.
  public var path: String
  /// What else may help: where it was looked for, what was probably meant.
  public var hint: String

  /// Creates the error.
  public init(path: String, hint: String = "") {
    self.path = path
    self.hint = hint
  }

  /// What is missing, in one line.
  public var description: String {
    "'\(path)' does not exist" + (hint.isEmpty ? "" : "; " + hint)
  }
}

/// Collects what is wrong while reading goes on.
public final class DiagnosticCollector {
  /// All that was reported.
  public private(set) var all: [Diagnostic] = []
  /// How many were reported beyond the limit and are not kept.
  public private(set) var dropped = 0
  /// How many are kept; a damaged file can have very many.
  public static let limit = 200

  /// Creates an empty collector.
  public init() {}

  /// Adds a diagnostic.
  public func report(_ diagnostic: Diagnostic) {
    guard all.count < Self.limit else {
      dropped += 1
      return
    }
    all.append(diagnostic)
  }

  /// Adds a diagnostic about `node`.
  public func report(_ node: ConfigurationNode, _ message: String) {
    report(Diagnostic(location: node.location, path: node.path, message: message))
  }

  /// Whether nothing was reported.
  public var isEmpty: Bool { all.isEmpty }

  /// Throws everything that was reported, if anything was.
  public func throwIfAny() throws(Diagnostics) {
    guard !all.isEmpty else { return }
    var list = all
    if dropped > 0 {
      list.append(Diagnostic(location: nil, message: "… and \(dropped) more"))
    }
    throw Diagnostics(list)
  }
}
