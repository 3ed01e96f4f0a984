// SPDX-License-Identifier: GPL-3.0-or-later

public import Records

/// The page of one run.
public struct RunPage {
  /// What stands on the page beside the run's report.
  public struct Extras: Sendable {
    /// The page's title; the scenario's name where there is none.
    public var title: String?
    /// A window of the run's timeline.
    public var timeline: TimelineWindow?
    /// The scenario as it was resolved: the text of a scenario file.
    public var scenario: String?
    /// Figures of the machine, each with its source.
    public var sources: [SourceEntry] = []

    /// Whether these are of the profile as it stands when the page is made, which need not be what
    /// was simulated.
    public var sourcesAreOfNow = false

    /// Nothing beside the report.
    public init() {}
  }

  /// A figure that went into a simulation, and where it is from.
  public struct SourceEntry: Sendable, Equatable {
    /// The figure's place in its profile.
    public var path: String
    /// The figure.
    public var value: String
    /// Where it is from.
    public var source: String
    /// Whether it is an assumption.
    public var isAssumption: Bool

    /// An entry of these values.
    public init(path: String, value: String, source: String, isAssumption: Bool) {
      self.path = path
      self.value = value
      self.source = source
      self.isAssumption = isAssumption
    }
  }

  private let run: ReportValue
  private let extras: Extras

  /// A page of the report of a run.
  public init(_ run: ReportValue, extras: Extras = Extras()) {
    self.run = run
    self.extras = extras
  }

  /// The page's document.
  public var document: PageDocument {
    PageDocument(
      kind: .run, title: extras.title ?? run.text("scenario") ?? "run",
      subtitle: Self.subtitle(of: run),
      sections: [
        summary, time, resources, cache, latency, history, memory, cost, moeCap, timeline,
        sureness, setting, sources,
      ])
  }

  /// The model, the machine and the policy in a line.
  static func subtitle(of run: ReportValue) -> String {
    let setting = ["model", "hardware", "policy"].compactMap { run.text("setting.\($0)") }
    guard setting.count == 3 else { return setting.joined(separator: ", ") }
    return "\(setting[0]) on \(setting[1]), policy \(setting[2])"
  }

  private var summary: PageSection {
    let seconds = FigureText.number(run.number("simulated_seconds"))
    let measured = FigureText.number(run.number("measured_seconds"))
    let completed = FigureText.integer(Int64(run.number("requests.completed") ?? 0))
    let arrived = FigureText.integer(Int64(run.number("requests.arrived") ?? 0))
    var text = [
      "A simulation, not a measurement: \(seconds) s of a machine's time, of which the last"
        + " \(measured) s were measured. \(completed) of \(arrived) requests that arrived were"
        + " completed. Figures are of the measured time."
    ]
    if run.at("uncertainty") == nil {
      text.append(
        "Of one run there are no intervals; replications (run.replications) or errors of kernel"
          + " timings (simulate --uncertainty) give some.")
    }
    var blocks: [PageBlock] = []
    let notices = run.list("notices").compactMap { notice -> String? in
      if case .text(let text) = notice { text } else { nil }
    }
    if !notices.isEmpty { blocks.append(.notices(id: "notices", notices)) }
    blocks.append(.figures(id: "headline", HeadlineFigures.of(run)))
    return PageSection("summary", "How fast", text: text, blocks)
  }

  private var time: PageSection {
    let parts = TokenTime.parts(of: run)
    let total = parts.reduce(0) { $0 + $1.milliseconds }
    guard total > 0 else { return PageSection("time", "Where a token's time goes") }
    let stalled = parts.filter(\.isStall).reduce(0) { $0 + $1.milliseconds }
    let charts = [
      TimeCharts.token(of: run), TimeCharts.parts(of: run), TimeCharts.improvements(of: run),
    ]
    return PageSection(
      "time", "Where a token's time goes",
      text: [
        "\(FigureText.number(total)) ms of a step's time for each output token, of which"
          + " \(FigureText.percent(stalled / total)) the compute stream stood still. This is the"
          + " time in which a step was under way divided by the output tokens; TPOT is longer where"
          + " several sequences share a step or prompts run between a sequence's tokens."
      ], charts.blocks)
  }

  private var resources: PageSection {
    PageSection(
      "resources", "What was busy",
      [ResourceCharts.utilisation(of: run), ResourceCharts.overTime(of: run)].blocks
        + RunTables.resources(run))
  }

  private var cache: PageSection {
    PageSection(
      "cache", "Hits and traffic",
      [CacheCharts.hitRates(of: [("", run)]), CacheCharts.traffic(of: run)].blocks
        + RunTables.tiers(run) + RunTables.traffic(run))
  }

  private var latency: PageSection {
    PageSection(
      "latency", "Latency distributions",
      [LatencyCharts.distributions(of: run)].blocks + RunTables.latencies(run))
  }

  private var history: PageSection {
    PageSection("history", "How the run went on", HistoryCharts.all(of: run).map { .chart($0) })
  }

  private var memory: PageSection {
    PageSection(
      "memory", "Memory", [MemoryCostCharts.memory(of: run)].blocks + RunTables.memory(run))
  }

  private var cost: PageSection {
    var text: [String] = []
    if let basis = run.text("cost.basis") { text.append("Basis: \(basis).") }
    return PageSection(
      "cost", "Cost and energy", text: text,
      [MemoryCostCharts.costItems(of: run)].blocks + RunTables.costs(run))
  }

  private var moeCap: PageSection {
    let radar = [RadarChart.chart(of: [(run.text("scenario") ?? "run", run)])].blocks
    let tables = RunTables.moeCap(run)
    guard !tables.isEmpty else { return PageSection("moe-cap", "MoE-CAP") }
    var text: [String] = []
    if radar.isEmpty {
      text.append("No radar: the accuracy or the price of this setting is not known.")
    }
    return PageSection(
      "moe-cap", "MoE-CAP and accuracy", text: text, radar + tables + RunTables.accuracy(run))
  }

  private var timeline: PageSection {
    guard let window = extras.timeline else { return PageSection("timeline", "Timeline") }
    return PageSection(
      "timeline", "Timeline",
      text: [
        "One lane for each stream, copy engine and drive. Arrows lead from what a slice waited for."
      ], [window.block(id: "timeline-window")])
  }

  private var sureness: PageSection {
    PageSection("sureness", "How sure: kernel timings", RunTables.uncertainty(run))
  }

  private var setting: PageSection {
    var blocks: [PageBlock] = [.facts(id: "setting", RunTables.setting(run))]
    if let scenario = extras.scenario {
      blocks.append(.code(id: "scenario-text", text: scenario, language: "json"))
    }
    let text =
      extras.scenario == nil
      ? [] : ["The scenario as it was resolved, with every default; it can be run as it stands."]
    return PageSection("scenario", "Scenario", text: text, blocks)
  }

  private var sources: PageSection {
    var text: [String] = []
    if !extras.sources.isEmpty, extras.sourcesAreOfNow {
      text.append(
        "The figures of the profile \(run.text("setting.hardware") ?? "") as it stood when this page"
          + " was made. The run's report holds the profile's name alone, so that what was simulated"
          + " may differ where the profile or settings of it were changed.")
    } else if !extras.sources.isEmpty || !run.list("cost.items").isEmpty {
      text.append("Where figures are from that went into the simulation.")
    }
    return PageSection("sources", "Sources", text: text, RunTables.sources(run, extras.sources))
  }
}

extension [Chart?] {
  /// The charts that there are, as blocks.
  var blocks: [PageBlock] { compactMap { $0.map { .chart($0) } } }
}
