// SPDX-License-Identifier: GPL-3.0-or-later

/// What a table of timings holds, in a few lines.
public struct TimingSummary: Sendable {
  /// The rows of one device, kernel and precision.
  public struct Group: Sendable {
    /// The device.
    public var device: String
    /// What was timed.
    public var kernel: MeasuredKernel
    /// The format of weights or values; empty where none is said.
    public var precision: String
    /// How many rows.
    public var rows: Int
    /// The columns of whole numbers that the rows have, each with its least and greatest value.
    public var ranges: [(name: String, least: Int, greatest: Int)]
    /// The least and greatest median [s].
    public var seconds: ClosedRange<Double>
  }

  /// The groups in the order of kernels, then of first appearance.
  public private(set) var groups: [Group] = []

  /// Sums up rows.
  ///
  /// - Complexity: O(rows · columns).
  public init(_ rows: [KernelMeasurement]) {
    var places: [GroupKey: Int] = [:]
    for row in rows {
      let precision = row.precision ?? ""
      let key = GroupKey(device: row.device, kernel: row.kernel, precision: precision)
      let place: Int
      if let known = places[key] {
        place = known
      } else {
        place = groups.count
        places[key] = place
        groups.append(
          Group(
            device: row.device, kernel: row.kernel, precision: precision, rows: 0, ranges: [],
            seconds: row.median...row.median))
      }
      groups[place].add(row)
    }
    let order = MeasuredKernel.allCases
    groups = groups.enumerated().sorted {
      let (first, second) = (
        order.firstIndex(of: $0.element.kernel)!, order.firstIndex(of: $1.element.kernel)!
      )
      return first == second ? $0.offset < $1.offset : first < second
    }.map(\.element)
  }

  private struct GroupKey: Hashable {
    var device: String
    var kernel: MeasuredKernel
    var precision: String
  }

  /// One line for each group.
  public var lines: [String] {
    groups.map { group in
      var parts = ["\(group.rows) × \(group.kernel.rawValue)"]
      if !group.precision.isEmpty { parts.append(group.precision) }
      parts.append("on \(group.device):")
      let ranges = group.ranges.map { range in
        range.least == range.greatest
          ? "\(range.name) \(range.least)" : "\(range.name) \(range.least)–\(range.greatest)"
      }
      let times = "\(Self.time(group.seconds.lowerBound))–\(Self.time(group.seconds.upperBound))"
      return parts.joined(separator: " ") + " " + (ranges + [times]).joined(separator: ", ")
    }
  }

  /// A time with three digits in a unit that suits it.
  static func time(_ seconds: Double) -> String {
    let (value, unit) =
      seconds < 1e-3 ? (seconds * 1e6, "µs") : seconds < 1 ? (seconds * 1e3, "ms") : (seconds, "s")
    let rounded =
      value < 10
      ? (value * 100).rounded() / 100 : value < 100 ? (value * 10).rounded() / 10 : value.rounded()
    return "\(rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)") \(unit)"
  }
}

extension TimingSummary.Group {
  fileprivate mutating func add(_ row: KernelMeasurement) {
    rows += 1
    seconds = min(seconds.lowerBound, row.median)...max(seconds.upperBound, row.median)
    for column in TimingColumn.all {
      guard case .integer(let path, _) = column.kind, column.key != .repeats,
        let value = row[keyPath: path]
      else { continue }
      if let place = ranges.firstIndex(where: { $0.name == column.name }) {
        ranges[place].least = min(ranges[place].least, value)
        ranges[place].greatest = max(ranges[place].greatest, value)
      } else {
        ranges.append((column.name, value, value))
      }
    }
  }
}
