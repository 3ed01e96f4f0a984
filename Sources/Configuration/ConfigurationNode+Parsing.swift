// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// What a file may be before it is refused.
public struct ReadingLimits: Hashable, Sendable {
  /// The largest file [B].
  public var bytes = 8 << 20
  /// The deepest nesting.
  public var depth = 64
  /// The most values, aliases written out.
  public var nodes = 400_000

  /// Creates the usual limits.
  public init() {}
}

extension ConfigurationNode {
  /// Reads a YAML or JSON file.
  ///
  /// - Throws: `MissingFile` when there is none; `Diagnostics` with file:line:column when it is
  ///   larger, deeper or more repetitive than `limits`, is no UTF-8, or is malformed.
  public static func load(
    path: String, limits: ReadingLimits = ReadingLimits()
  ) throws -> ConfigurationNode {
    ConfigurationFiles.recorder?.note(path)
    if let known = ConfigurationFiles.current?.node(of: path) { return known }
    func refuse(_ message: String) -> Diagnostics {
      Diagnostics([Diagnostic(location: SourceLocation(origin: path), message: message)])
    }
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw MissingFile(path: path)
    }
    guard !isDirectory.boolValue else { throw refuse("is a folder; expected a file") }
    guard let handle = FileHandle(forReadingAtPath: path) else { throw refuse("cannot be read") }
    defer { try? handle.close() }
    var data = Data()
    while data.count <= limits.bytes {
      let part: Data?
      do { part = try handle.read(upToCount: 1 << 20) } catch { throw refuse("cannot be read") }
      guard let part, !part.isEmpty else { break }
      data.append(part)
    }
    guard data.count <= limits.bytes else {
      throw refuse("is larger than \(limits.bytes >> 20) MiB, which no configuration is")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw refuse("is not UTF-8 text")
    }
    let node = try parse(text, file: path, limits: limits)
    ConfigurationFiles.current?.keep(node, path: path)
    return node
  }

  /// Reads YAML or JSON text.
  /// - Parameter file: the name that locations carry.
  public static func parse(
    _ text: String, file: String, limits: ReadingLimits = ReadingLimits()
  ) throws(Diagnostics) -> ConfigurationNode {
    var reader = DocumentReader(text: text, file: file, limits: limits)
    return try reader.read()
  }

  /// Reads the value of an override such as `--set key=VALUE`, in YAML.
  ///
  /// What is no YAML is taken as the text that it is, so that "*.csv" needs no quotes.
  public static func value(parsing text: String, origin: String) -> ConfigurationNode {
    let location = SourceLocation(origin: origin)
    func relocated(_ node: ConfigurationNode) -> ConfigurationNode {
      var node = node
      node.location = location
      switch node.content {
      case .null, .scalar: break
      case .sequence(let elements): node.content = .sequence(elements.map(relocated))
      case .mapping(let entries):
        node.content = .mapping(
          entries.map {
            Entry(key: $0.key, keyLocation: location, value: relocated($0.value))
          })
      }
      return node
    }
    if let node = try? parse(text, file: origin) { return relocated(node) }
    return ConfigurationNode(.scalar(text, quoted: true), location: location)
  }
}
