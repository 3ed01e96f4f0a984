// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments
public import Records

/// A section of a page: a heading, paragraphs, and what stands below them.
public struct PageSection: Sendable, Equatable {
  /// The name of the section in addresses.
  public var id: String
  /// The heading.
  public var title: String
  /// Paragraphs of plain text.
  public var text: [String]
  /// What stands below them.
  public var blocks: [PageBlock]

  init(_ id: String, _ title: String, text: [String] = [], _ blocks: [PageBlock] = []) {
    self.id = id
    self.title = title
    self.text = text
    self.blocks = blocks
  }

  var value: ReportValue {
    [
      "id": .text(id), "title": .text(title), "text": .texts(text),
      "blocks": .list(blocks.map(\.value)),
    ]
  }

  var isEmpty: Bool { text.isEmpty && blocks.isEmpty }
}

/// All that a page shows, apart from how it is drawn. docs/report-page.md describes its
/// JSON.
public struct PageDocument: Sendable, Equatable {
  /// What a page is of.
  public enum Kind: String, Sendable {
    /// One run.
    case run
    /// Several runs side by side, or replications of one.
    case runs
    /// Policies on the same requests.
    case comparison
    /// The points of a study.
    case sweep
    /// Which machines serve a traffic.
    case plan
    /// Simulated beside published figures.
    case validation
    /// A simulation beside a measured run, or measured serving points.
    case observation
    /// Timing laws beside timings.
    case calibration
  }

  /// The version of the document's keys.
  public static let version: Int64 = 1

  /// What the page is of.
  public var kind: Kind
  /// The page's title.
  public var title: String
  /// A line below it.
  public var subtitle: String
  /// The sections.
  public var sections: [PageSection]

  init(kind: Kind, title: String, subtitle: String, sections: [PageSection]) {
    self.kind = kind
    self.title = title
    self.subtitle = subtitle
    self.sections = sections.filter { !$0.isEmpty }
  }

  /// The charts of all sections, in their order.
  public var charts: [Chart] {
    sections.flatMap(\.blocks).compactMap { block in
      if case .chart(let chart) = block { chart } else { nil }
    }
  }

  /// The document as the page reads it.
  public var value: ReportValue {
    [
      "document_version": .integer(Self.version), "kind": .text(kind.rawValue),
      "title": .text(title), "subtitle": .text(subtitle),
      "generator": .text("moesim \(MoesimVersion.current)"),
      "sections": .list(sections.map(\.value)),
    ]
  }
}
