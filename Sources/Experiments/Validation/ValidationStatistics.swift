// SPDX-License-Identifier: GPL-3.0-or-later

extension ValidationReport.Case {
  /// A case with what was simulated for it, judged.
  init(_ reference: ReferenceCase, simulated: Result<Double, ReferenceProblem>) {
    let published = reference.published
    id = reference.id
    what = reference.what
    kind = reference.kind
    self.published = published.lowerBound
    publishedHigh = published.lowerBound < published.upperBound ? published.upperBound : nil
    unit = reference.unit
    status = reference.status
    reason = reference.reason
    grade = reference.grade
    source = reference.source
    switch reference.tolerance {
    case .relative(let share): tolerance = "\(Self.digits(share * 100)) %"
    case .absolute(let bound): tolerance = "± \(Self.digits(bound))"
    }
    verdict = .failed
    switch simulated {
    case .failure(let problem): failure = problem.description
    case .success(let value) where !value.isFinite: failure = "the simulated value is not finite"
    case .success(let value):
      self.simulated = value
      let nearest = min(max(value, published.lowerBound), published.upperBound)
      let distance = value - nearest
      if nearest != 0 { error = distance / abs(nearest) }
      let allowed =
        switch reference.tolerance {
        case .relative(let share): share * abs(nearest)
        case .absolute(let bound): bound
        }
      // Values that are equal as they are printed are not apart.
      verdict = abs(distance) <= allowed * (1 + 1e-9) ? .within : .beyond
    }
  }

  /// A number without a fraction that is zero: "10", "0.02".
  private static func digits(_ value: Double) -> String {
    let rounded = (value * 1e6).rounded() / 1e6
    return rounded == rounded.rounded() && abs(rounded) < 1e9 ? "\(Int(rounded))" : "\(rounded)"
  }

  /// |error|, a case without a simulated value being further off than any.
  fileprivate var absoluteError: Double? {
    verdict == .failed ? .infinity : error.map { abs($0) }
  }
}

extension ValidationReport.Score {
  /// The score of the counted among some cases.
  init(_ cases: [ValidationReport.Case]) {
    let counted = cases.filter { $0.status == .counted }
    self.init(
      counted: counted.count, within: counted.count { $0.verdict == .within },
      failed: counted.count { $0.verdict == .failed },
      medianAbsoluteError: median(counted.compactMap(\.absoluteError)))
  }
}

extension ValidationReport.Ordering {
  /// A ranking with the figures of its runs, judged.
  init(_ reference: ReferenceOrdering, simulated: [Result<Double, ReferenceProblem>]) {
    what = reference.what
    metric = reference.metric
    better = reference.lowerIsBetter ? "lower" : "higher"
    runs = reference.runs
    source = reference.source
    let values = simulated.map { try? $0.get() }
    self.simulated = values
    let sign = reference.lowerIsBetter ? 1.0 : -1.0
    reproduced = zip(values, values.dropFirst()).allSatisfy { better, worse in
      guard let better, let worse else { return false }
      return better * sign < worse * sign
    }
    failure =
      simulated.lazy.compactMap { result in
        if case .failure(let problem) = result { problem.description } else { nil }
      }.first
  }
}

extension ValidationReport.Summary {
  /// The summary of some systems, one vote each.
  init(_ systems: [ValidationReport.System]) {
    func vote(_ score: (ValidationReport.System) -> ValidationReport.Score) -> Double? {
      // A system half of whose cases failed votes for the worst.
      median(
        systems.map(score).filter { $0.counted > 0 }.map { $0.medianAbsoluteError ?? .infinity })
    }
    let counted = systems.flatMap { system in
      system.cases.filter { $0.status == .counted }.map { (system: system.name, entry: $0) }
    }
    let far = counted.filter { $0.entry.absoluteError ?? 0 > ValidationReport.outlierError }
    // Equal errors stay in the order of the systems.
    let sorted = far.enumerated().sorted { first, second in
      let errors = (first.element.entry.absoluteError ?? 0, second.element.entry.absoluteError ?? 0)
      return errors.0 != errors.1 ? errors.0 > errors.1 : first.offset < second.offset
    }
    self.init(
      systems: systems.count { $0.all.counted > 0 }, medianAbsoluteError: vote(\.all),
      medianAbsoluteErrorOfValues: vote(\.values), medianAbsoluteErrorOfRatios: vote(\.ratios),
      orderingsReproduced: systems.reduce(0) { $0 + $1.orderings.count(where: \.reproduced) },
      orderings: systems.reduce(0) { $0 + $1.orderings.count },
      uncounted: systems.reduce(0) { $0 + $1.cases.count } - counted.count,
      outliers: sorted.map {
        .init(system: $0.element.system, id: $0.element.entry.id, error: $0.element.entry.error)
      })
  }
}

/// The median: the middle value, or the mean of the two; `nil` of nothing, and where it is not finite.
private func median(_ values: [Double]) -> Double? {
  guard !values.isEmpty else { return nil }
  let sorted = values.sorted()
  let middle = sorted.count / 2
  let value = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  return value.isFinite ? value : nil
}
