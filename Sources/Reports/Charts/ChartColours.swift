// SPDX-License-Identifier: GPL-3.0-or-later

/// Colours of data that people with any kind of colour vision tell apart.
///
/// The first seven are those of Okabe and Ito ("Color Universal Design", 2008) without black, which
/// a dark page swallows. No chart relies on colour alone: bars are labelled or have names on an
/// axis.
enum ChartColours {
  static let orange = "#E69F00"
  static let sky = "#56B4E9"
  static let green = "#009E73"
  static let yellow = "#F0E442"
  static let blue = "#0072B2"
  static let vermilion = "#D55E00"
  static let purple = "#CC79A7"
  static let grey = "#8C8C8C"

  /// For series without a meaning of their own, in this order. Those after the seventh are of Paul
  /// Tol's muted scheme.
  static let series = [
    blue, vermilion, green, orange, purple, sky, yellow, grey, "#882255", "#44AA99", "#DDCC77",
    "#332288",
  ]

  /// A colour for each of so many series; they repeat after the twelfth.
  static func series(_ count: Int) -> [String] { (0..<count).map { series[$0 % series.count] } }

  /// Cool colours for what a stream computes.
  private static let parts = [
    "experts": blue, "attention": sky, "shared experts": green, "dense feed-forward": "#44AA99",
    "gate": "#7A8BA6", "head and sampling": "#B3C6D9", "runtime overhead": grey,
  ]

  /// Warm colours for what it waits for.
  private static let stalls = [
    "demand load": vermilion, "late prefetch": orange, "link contention": purple,
    "staging copy": yellow, "drive": "#882255", "memory full": "#AA4499", "KV swap": "#DDCC77",
    "collective": "#999933", "compute queue": "#CC6677", "host compute": "#661100",
  ]

  /// The colour of a part of a token's time, the same on every chart.
  static func part(_ name: String, isStall: Bool) -> String {
    (isStall ? stalls[name] : parts[name]) ?? (isStall ? "#CC6677" : "#88CCEE")
  }
}
