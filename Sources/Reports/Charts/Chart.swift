// SPDX-License-Identifier: GPL-3.0-or-later

public import Records

/// A chart: one Vega-Lite specification with its data, which the page, notebooks and files share.
public struct Chart: Sendable, Equatable {
  /// The name by which the chart is asked for, unique within a page.
  public var id: String
  /// What is drawn, in a few words.
  public var title: String
  /// What is seen and how it is read, for those who don't see it.
  public var description: String
  /// The Vega-Lite specification, as wide as its container.
  public var spec: ReportValue
  /// Where figures are from that are not the simulation's.
  public var sources: [PageLink]

  /// A chart of these values; the description also goes into the specification.
  init(
    id: String, title: String, description: String, spec: ReportValue, sources: [PageLink] = []
  ) {
    self.id = id
    self.title = title
    self.description = description
    var spec = spec
    spec.set("$schema", to: .text(VegaLite.schema))
    spec.set("description", to: .text(description))
    self.spec = spec
    self.sources = sources
  }

  /// The specification of a picture that stands by itself: with a title, a width in pixels and a
  /// background.
  ///
  /// - Parameter width: The width of the plot where the page's container decides otherwise [px].
  public func standalone(width: Int64 = 640) -> ReportValue {
    var spec = spec
    if spec["width"] == .text("container") { spec.set("width", to: .integer(width)) }
    spec.set("title", to: ["text": .text(title), "anchor": "start", "offset": 12])
    spec.set("background", to: "white")
    spec.set("padding", to: 12)
    spec.set(
      "config",
      to: [
        "axis": ["labelLimit": 320],
        "legend": [
          "orient": "bottom", "labelLimit": 320,
          "columns": .integer(VegaLite.legendColumns(Self.legendNames(in: self.spec))),
        ],
      ])
    return spec
  }

  /// The longest list of names for which a specification has colours.
  private static func legendNames(in value: ReportValue) -> [String] {
    switch value {
    case .object(let members):
      var names: [String] = []
      for member in members {
        var own = legendNames(in: member.value)
        if member.key == "color", case .list(let domain)? = member.value["scale"]?["domain"] {
          own = domain.compactMap { if case .text(let name) = $0 { name } else { nil } }
        }
        let isLonger = own.count > names.count
        if member.key != "data", isLonger { names = own }
      }
      return names
    case .list(let items):
      return items.map(legendNames).max { $0.count < $1.count } ?? []
    default: return []
    }
  }
}
