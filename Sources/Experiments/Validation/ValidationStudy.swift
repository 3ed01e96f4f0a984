// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Serving

/// Runs reference cases: each distinct simulation once, one after the other, in the order of the files.
public struct ValidationStudy {
  /// How far a validation has come.
  public struct Progress: Sendable {
    /// Simulations that have ended.
    public var completed: Int
    /// Simulations in all.
    public var total: Int
    /// The simulation that is next, "system/run".
    public var run: String
  }

  private let selection: [ValidationSelection]
  private let figures: any ResultFigures
  private let library: DataLibrary

  /// A validation of some cases.
  ///
  /// - Parameters:
  ///   - selection: The cases.
  ///   - figures: Finds figures in a run's record.
  ///   - library: Where names are looked for.
  public init(
    _ selection: [ValidationSelection], figures: any ResultFigures,
    library: DataLibrary = .standard
  ) {
    self.selection = selection
    self.figures = figures
    self.library = library
  }

  /// Runs everything. A run that fails makes the cases fail that need it, and nothing else.
  ///
  /// - Parameter progress: Told before each simulation how many have ended.
  public func run(progress: ((Progress) -> Void)? = nil) -> ValidationReport {
    let clock = ProcessClock()
    let total = selection.reduce(0) { count, part in
      count + Set(part.neededRuns.map(\.fingerprint)).count
    }
    var completed = 0
    var events: UInt64 = 0
    let systems = selection.map { part in
      var book = RunBook()
      for run in part.neededRuns where book.needs(run) {
        progress?(
          Progress(
            completed: completed, total: total, run: "\(part.system.name)/\(run.name)"))
        events += book.simulate(run, figures: figures, library: library)
        completed += 1
      }
      return report(part, book)
    }
    return ValidationReport(
      systems: systems, summary: .init(systems), runInfo: clock.runInfo(events: events))
  }

  private func report(_ part: ValidationSelection, _ book: RunBook) -> ValidationReport.System {
    let system = part.system
    func figure(_ run: String, _ metric: String) throws -> Double {
      guard let run = system.run(run) else { throw ReferenceProblem("there is no run '\(run)'") }
      return try book.figure(metric, of: run)
    }
    let cases = part.cases.map { reference in
      ValidationReport.Case(
        reference,
        simulated: result {
          try reference.value.evaluate(figure: figure) { try formula($0, of: system) }
        })
    }
    let orderings = part.orderings.map { reference in
      ValidationReport.Ordering(
        reference,
        simulated: reference.runs.map { run in result { try figure(run, reference.metric) } })
    }
    return ValidationReport.System(
      name: system.name, summary: system.summary, source: system.source,
      calibration: system.calibration.map {
        .init(parameter: $0.parameter, value: $0.value, fittedOn: $0.fittedOn, how: $0.how)
      }, cases: cases, orderings: orderings, all: .init(cases),
      values: .init(cases.filter { $0.kind == .value }),
      ratios: .init(cases.filter { $0.kind == .ratio }), notices: book.notices)
  }

  private func formula(
    _ use: ReferenceValue.FormulaUse, of system: ReferenceSystem
  ) throws -> Double {
    let configuration = try use.run.flatMap { system.run($0) }.map {
      try $0.scenario.configuration(library: library)
    }
    return try use.formula.evaluate(.init(configuration: configuration, numbers: use.numbers))
  }

  private func result(_ work: () throws -> Double) -> Result<Double, ReferenceProblem> {
    do {
      return .success(try work())
    } catch let problem as ReferenceProblem {
      return .failure(problem)
    } catch {
      return .failure(ReferenceProblem("\(error)"))
    }
  }
}

/// The runs of one system that were simulated, each distinct one once.
private struct RunBook {
  private enum Entry {
    /// The figures of each replication.
    case figures([[String: Double]])
    case failure(String)
  }

  /// What the runs say, each sentence once, in the order of the runs.
  private(set) var notices: [String] = []
  private var entries: [String: Entry] = [:]

  /// Whether the run, or one like it, has yet to be simulated.
  func needs(_ run: ReferenceRun) -> Bool { entries[run.fingerprint] == nil }

  /// Simulates a run; answers how many events that took.
  mutating func simulate(
    _ run: ReferenceRun, figures: any ResultFigures, library: DataLibrary
  ) -> UInt64 {
    do {
      let results = try ScenarioExecution.execute(run.scenario, library: library).results
      for notice in results.flatMap(\.notices) where !notices.contains(notice) {
        notices.append(notice)
      }
      entries[run.fingerprint] = .figures(
        results.map { result in
          var numbers = figures.numbers(of: result)
          for derived in DerivedFigure.all { numbers[derived.name] = derived.value(result) }
          return numbers
        })
      return results.reduce(0) { $0 + $1.eventsProcessed }
    } catch {
      entries[run.fingerprint] = .failure("\(error)")
      return 0
    }
  }

  /// A figure of a run, the mean over its replications.
  func figure(_ metric: String, of run: ReferenceRun) throws -> Double {
    switch entries[run.fingerprint] {
    case nil: throw ReferenceProblem("the run '\(run.name)' was not simulated")
    case .failure(let message): throw ReferenceProblem("the run '\(run.name)' failed: \(message)")
    case .figures(let replications):
      let values = replications.compactMap { $0[metric] }
      guard values.count == replications.count, !values.isEmpty else {
        throw ReferenceProblem("the run '\(run.name)' has no \(metric)")
      }
      return values.reduce(0, +) / Double(values.count)
    }
  }
}
