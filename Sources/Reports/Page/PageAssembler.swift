// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import Records

/// Puts the template, the style, the scripts and a document together into one file.
public struct PageAssembler: Sendable {
  /// What is missing or wrong in the folder of the page's files.
  public struct Problem: Error, CustomStringConvertible, Sendable {
    /// What was found and what would be right.
    public var message: String
    /// The message.
    public var description: String { message }
  }

  /// The name of the folder among the data folders.
  public static let folderName = "report-page"

  private let template: String
  private let style: String
  private let bundle: String
  private let script: String

  /// Reads the page's files from the first of the folders that has the template.
  ///
  /// - Parameter folders: Where to look, such as `DataFolders.named(PageAssembler.folderName)`.
  /// - Throws: A ``Problem`` that names what is missing and the command that makes it.
  public init(folders: [String]) throws {
    guard
      let folder = folders.first(where: {
        FileManager.default.fileExists(atPath: "\($0)/page.html")
      })
    else {
      throw Problem(
        message:
          "the page's template \(Self.folderName)/page.html was not found; set MOESIM_DATA to"
          + " where moesim's data are")
    }
    func read(_ name: String) throws -> String {
      guard let data = FileManager.default.contents(atPath: "\(folder)/\(name)") else {
        throw Problem(message: "\(folder)/\(name) is missing; the page cannot be made without it")
      }
      return String(decoding: data, as: UTF8.self)
    }
    guard FileManager.default.fileExists(atPath: "\(folder)/vega-bundle.js") else {
      throw Problem(message: ChartRenderer.missingMessage(folder))
    }
    // The script is in parts, named so that they sort in the order in which they belong.
    let parts = try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasSuffix(".js") && $0 != "vega-bundle.js" }.sorted()
    guard !parts.isEmpty else {
      throw Problem(message: "\(folder) holds no script; the page cannot be made without one")
    }
    self.init(
      template: try read("page.html"), style: try read("page.css"),
      bundle: try read("vega-bundle.js"),
      script: try parts.map(read).joined(separator: "\n"))
  }

  /// An assembler of these texts.
  init(template: String, style: String, bundle: String, script: String) {
    self.template = template
    self.style = style
    self.bundle = bundle
    self.script = script
  }

  /// The page as one file that asks for nothing else.
  ///
  /// - Throws: A ``Problem`` where the template lacks a marker or has it twice.
  public func page(_ document: PageDocument) throws -> String {
    let parts: [(marker: String, text: String)] = [
      ("<!--moesim:title-->", Self.escapedHTML(document.title)),
      ("/*moesim:style*/", Self.closing("style", in: style)),
      ("/*moesim:bundle*/", Self.closing("script", in: bundle)),
      ("/*moesim:script*/", Self.closing("script", in: script)),
      ("/*moesim:document*/", Self.inlined(document.value)),
    ]
    // Places are found in the template alone: what is put in may hold a marker's text.
    var places: [(range: Range<String.Index>, text: String)] = []
    for part in parts {
      let found = template.ranges(of: part.marker)
      guard found.count == 1 else {
        throw Problem(
          message:
            "the page's template has the marker \(part.marker) \(found.count) times; expected"
            + " once")
      }
      places.append((found[0], part.text))
    }
    places.sort { $0.range.lowerBound < $1.range.lowerBound }
    var page = ""
    var position = template.startIndex
    for place in places {
      page += template[position..<place.range.lowerBound]
      page += place.text
      position = place.range.upperBound
    }
    return page + template[position...]
  }

  /// JSON within which no text can end the element or begin a comment.
  static func inlined(_ value: ReportValue) -> String {
    JSONText.text(of: value, layout: .compact).replacing("<", with: "\\u003c")
  }

  /// A script or a style in which no text ends the element.
  static func closing(_ element: String, in text: String) -> String {
    // Case does not matter to a browser, and within either language "<\/" means "</".
    var result = ""
    var rest = text[...]
    while let place = rest.range(of: "</\(element)", options: .caseInsensitive) {
      result += rest[..<place.lowerBound] + "<\\/" + rest[place].dropFirst(2)
      rest = rest[place.upperBound...]
    }
    return result + rest
  }

  private static func escapedHTML(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }
}
