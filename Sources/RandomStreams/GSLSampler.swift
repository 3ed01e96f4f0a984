// SPDX-License-Identifier: GPL-3.0-or-later

internal import CGSL

/// GSL's samplers over a `RandomStream`.
///
/// The stream is wrapped as a generator type of GSL, so each draw is that of the stream's name:
/// seed, replication, purpose, entity. Moving to another stream allocates nothing. Parameters
/// outside a distribution's domain are programmer mistakes and trap.
public struct GSLSampler: ~Copyable {
  private let state: UnsafeMutablePointer<RandomStream>
  private let generator: UnsafeMutablePointer<gsl_rng>

  /// A sampler that draws from the given stream, from where it stands.
  public init(_ stream: RandomStream) {
    state = .allocate(capacity: 1)
    state.initialize(to: stream)
    generator = .allocate(capacity: 1)
    generator.initialize(
      to: gsl_rng(type: GSLGenerator.type, state: UnsafeMutableRawPointer(state)))
  }

  deinit {
    generator.deallocate()
    state.deallocate()
  }

  /// The stream that the next draw comes from; set it to continue with another.
  public var stream: RandomStream {
    get { state.pointee }
    set { state.pointee = newValue }
  }

  /// The name by which GSL knows the generator.
  public var generatorName: String { String(cString: gsl_rng_name(generator)) }

  /// The next 32-bit word, through GSL.
  public mutating func word() -> UInt32 { UInt32(truncatingIfNeeded: gsl_rng_get(generator)) }

  /// A number uniform on [0, 1).
  public mutating func uniform() -> Double { gsl_rng_uniform(generator) }

  /// An exponential draw with the given mean.
  public mutating func exponential(mean: Double) -> Double {
    precondition(mean > 0 && mean.isFinite, "The mean of an exponential distribution is positive.")
    return gsl_ran_exponential(generator, mean)
  }

  /// A normal draw.
  public mutating func normal(mean: Double = 0, standardDeviation: Double = 1) -> Double {
    precondition(standardDeviation >= 0 && standardDeviation.isFinite && mean.isFinite)
    return mean + gsl_ran_gaussian_ziggurat(generator, standardDeviation)
  }

  /// A gamma draw with the given shape and scale.
  public mutating func gamma(shape: Double, scale: Double = 1) -> Double {
    precondition(shape > 0 && shape.isFinite, "The shape of a gamma distribution is positive.")
    precondition(scale > 0 && scale.isFinite, "The scale of a gamma distribution is positive.")
    return gsl_ran_gamma(generator, shape, scale)
  }

  /// A log-normal draw: e to a normal with the given mean (`zeta`) and deviation (`sigma`).
  public mutating func logNormal(zeta: Double, sigma: Double) -> Double {
    precondition(sigma >= 0 && sigma.isFinite && zeta.isFinite)
    return gsl_ran_lognormal(generator, zeta, sigma)
  }

  /// A Weibull draw with the given scale and shape.
  public mutating func weibull(scale: Double, shape: Double) -> Double {
    precondition(scale > 0 && shape > 0 && scale.isFinite && shape.isFinite)
    return gsl_ran_weibull(generator, scale, shape)
  }

  /// A Pareto draw with the given tail exponent and lower end.
  public mutating func pareto(exponent: Double, scale: Double) -> Double {
    precondition(exponent > 0 && scale > 0 && exponent.isFinite && scale.isFinite)
    return gsl_ran_pareto(generator, exponent, scale)
  }

  /// A beta draw on [0, 1].
  public mutating func beta(_ a: Double, _ b: Double) -> Double {
    precondition(a > 0 && b > 0 && a.isFinite && b.isFinite)
    return gsl_ran_beta(generator, a, b)
  }

  /// A Poisson draw with the given mean, at most 2³¹.
  public mutating func poisson(mean: Double) -> Int {
    precondition(mean >= 0 && mean <= 0x1p31, "A Poisson mean is between 0 and 2^31.")
    return mean == 0 ? 0 : Int(gsl_ran_poisson(generator, mean))
  }

  /// How many of `trials` succeed, each with the given probability.
  public mutating func binomial(trials: Int, probability: Double) -> Int {
    precondition(trials >= 0 && trials <= Int(UInt32.max), "Trials fit in 32 bits.")
    precondition(probability >= 0 && probability <= 1, "A probability is between 0 and 1.")
    return Int(gsl_ran_binomial(generator, probability, UInt32(trials)))
  }

  /// The number of failures before the first success plus one, from 1.
  public mutating func geometric(probability: Double) -> Int {
    precondition(probability > 0 && probability <= 1, "A probability is above 0, at most 1.")
    return Int(gsl_ran_geometric(generator, probability))
  }

  /// Spreads `trials` over categories in proportion to weights, which need not sum to one.
  ///
  /// - Parameter counts: receives one count per weight; its length becomes that of `weights`.
  /// - Complexity: one binomial draw a category.
  public mutating func multinomial(trials: Int, weights: [Double], into counts: inout [UInt32]) {
    precondition(trials >= 0 && trials <= Int(UInt32.max), "Trials fit in 32 bits.")
    if counts.count != weights.count { counts = [UInt32](repeating: 0, count: weights.count) }
    gsl_ran_multinomial(generator, weights.count, UInt32(trials), weights, &counts)
  }

  /// A point of the simplex from the Dirichlet distribution with the given concentrations.
  public mutating func dirichlet(_ concentrations: [Double], into shares: inout [Double]) {
    precondition(!concentrations.isEmpty, "A Dirichlet distribution has at least one component.")
    if shares.count != concentrations.count {
      shares = [Double](repeating: 0, count: concentrations.count)
    }
    gsl_ran_dirichlet(generator, concentrations.count, concentrations, &shares)
  }

  /// The index of a category drawn from a table of weights.
  public mutating func index(from table: borrowing DiscreteTable) -> Int {
    table.draw(generator)
  }
}

// One owner at a time holds the memory behind a sampler.
extension GSLSampler: @unchecked Sendable {}
