// SPDX-License-Identifier: GPL-3.0-or-later

extension ConfigurationNode {
  /// This node with the values of `override` laid over it.
  ///
  /// Mappings are merged key by key, in depth; anything else is replaced, lists as a whole. New keys
  /// follow the old ones. Each value keeps the location from which it came.
  public func merging(_ override: ConfigurationNode) -> ConfigurationNode {
    guard case .mapping(var entries) = content, case .mapping(let others) = override.content else {
      return override.moved(to: path)
    }
    for other in others {
      if let index = entries.firstIndex(where: { $0.key == other.key }) {
        entries[index].value = entries[index].value.merging(other.value)
        entries[index].keyLocation = other.keyLocation
      } else {
        var added = other
        added.value = other.value.moved(to: Self.join(path, other.key))
        entries.append(added)
      }
    }
    var result = self
    result.content = .mapping(entries)
    return result
  }

  /// This node with the value at `dottedPath` replaced or added.
  ///
  /// Missing mappings on the way are made; elements of lists are named by number ("gpus.0.count").
  /// - Parameter origin: what the location of new keys says, such as "--set".
  /// - Throws: `Diagnostic` when the path is empty, or leads through a value that holds no keys.
  public func setting(
    _ dottedPath: String, to value: ConfigurationNode, origin: String
  ) throws(Diagnostic) -> ConfigurationNode {
    let parts = dottedPath.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard !parts.isEmpty, !parts.contains(""), parts.count <= 32 else {
      throw Diagnostic(
        location: SourceLocation(origin: origin),
        message: "'\(dottedPath)' is no key path; expected one such as 'policy.eviction'")
    }
    return try setting(parts[...], to: value, location: SourceLocation(origin: origin))
  }

  private func setting(
    _ parts: ArraySlice<String>, to value: ConfigurationNode, location: SourceLocation
  ) throws(Diagnostic) -> ConfigurationNode {
    guard let key = parts.first else { return value.moved(to: path) }
    let rest = parts.dropFirst()
    var result = self
    switch content {
    case .null:
      result = ConfigurationNode(.mapping([]), location: location, path: path)
      return try result.setting(parts, to: value, location: location)
    case .mapping(var entries):
      if let index = entries.firstIndex(where: { $0.key == key }) {
        entries[index].value = try entries[index].value.setting(
          rest, to: value, location: location)
        if rest.isEmpty { entries[index].keyLocation = location }
      } else {
        let empty = ConfigurationNode(.null, location: location, path: Self.join(path, key))
        let added = try empty.setting(rest, to: value, location: location)
        entries.append(Entry(key: key, keyLocation: location, value: added))
      }
      result.content = .mapping(entries)
    case .sequence(var elements):
      guard let index = Int(key), elements.indices.contains(index) else {
        throw Diagnostic(
          location: location, path: path,
          message: "'\(key)' is no element of the list; expected a number below \(elements.count)")
      }
      elements[index] = try elements[index].setting(rest, to: value, location: location)
      result.content = .sequence(elements)
    case .scalar:
      throw Diagnostic(
        location: location, path: Self.join(path, key),
        message: "cannot be set, since '\(path)' is \(kindInWords) and holds no keys")
    }
    return result
  }
}
