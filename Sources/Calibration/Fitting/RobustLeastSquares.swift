// SPDX-License-Identifier: GPL-3.0-or-later

internal import CGSL
import Foundation
import RandomStreams

/// Bounded, robust, non-linear least squares by GSL's Levenberg–Marquardt method.
///
/// Bounds: each parameter runs over its interval as lower · (upper/lower)^s(u), s the logistic function
/// and u free, so that a step never leaves it. Robustness: rounds of weighted fits, first with the weights
/// of a soft absolute value, which finds its way from far off, then with Cauchy's, 1/(1 + (r/scale)²).
public struct RobustLeastSquares: Sendable {
  /// A positive parameter between bounds.
  public struct Bound: Hashable, Sendable {
    /// The least value; above 0.
    public var lower: Double
    /// The greatest value.
    public var upper: Double

    /// Bounds.
    public init(_ lower: Double, _ upper: Double) {
      precondition(0 < lower && lower < upper, "Bounds are positive and ascending.")
      self.lower = lower
      self.upper = upper
    }

    func value(_ free: Double) -> Double {
      lower * exp(log(upper / lower) / (1 + exp(-free)))
    }

    func free(_ value: Double) -> Double {
      let part = log(value / lower) / log(upper / lower)
      let inside = min(max(part, 0.002), 0.998)
      return log(inside / (1 - inside))
    }
  }

  /// What a fit ended with.
  public struct Solution: Hashable, Sendable {
    /// The parameters.
    public var values: [Double]
    /// Steps over all rounds.
    public var iterations: Int
    /// Whether the last round met its tolerance.
    public var hasConverged: Bool
    /// The median of the residuals' absolute values.
    public var medianResidual: Double
  }

  /// Residuals of this size count half.
  public var scale = 0.1
  /// The size beyond which residuals count by their absolute value in the first rounds.
  public var wideScale = 0.5
  /// Rounds with the first weights.
  public var wideRounds = 3
  /// Rounds in all.
  public var rounds = 7
  /// Most steps of a round.
  public var iterationsPerRound = 40

  /// A fit.
  public init() {}

  /// Minimises the weighted sum of squares of `residuals`.
  ///
  /// - Parameters:
  ///   - start: the parameters to begin with, inside their bounds or moved there.
  ///   - count: the number of residuals; at least that of parameters.
  ///   - residuals: writes the residuals at some parameters.
  /// - Throws: `GSLError` where GSL refuses, for want of memory or a wrong number.
  public func minimise(
    from start: [Double], bounds: [Bound], count: Int,
    residuals: @escaping (_ values: [Double], _ into: UnsafeMutableBufferPointer<Double>) -> Void
  ) throws(GSLError) -> Solution {
    precondition(
      start.count == bounds.count && count >= start.count, "More points than parameters.")
    GSL.prepare()
    let problem = Problem(
      bounds: bounds, weights: [Double](repeating: 1, count: count), residuals: residuals)
    var free = zip(start, bounds).map { $1.free($0) }
    var solution = Solution(values: start, iterations: 0, hasConverged: false, medianResidual: 0)
    var buffer = [Double](repeating: 0, count: count)
    for round in 0..<rounds {
      let result = try solve(problem, from: free, count: count)
      free = result.free
      solution.iterations += result.iterations
      solution.hasConverged = result.hasConverged
      solution.values = zip(free, bounds).map { $1.value($0) }
      buffer.withUnsafeMutableBufferPointer { residuals(solution.values, $0) }
      guard round + 1 < rounds else { break }
      problem.weights = buffer.map { residual in
        let isWide = round + 1 < wideRounds
        let ratio = residual / (isWide ? wideScale : scale)
        let weight = 1 / (1 + ratio * ratio)
        return isWide ? weight.squareRoot().squareRoot() : weight.squareRoot()
      }
    }
    solution.medianResidual = FitErrors.quantile(buffer.map(abs).sorted(), 0.5)
    return solution
  }

  private func solve(
    _ problem: Problem, from free: [Double], count: Int
  ) throws(GSLError) -> (free: [Double], iterations: Int, hasConverged: Bool) {
    var parameters = gsl_multifit_nlinear_default_parameters()
    parameters.trs = cgsl_multifit_nlinear_trs_lm()
    guard
      let workspace = gsl_multifit_nlinear_alloc(
        cgsl_multifit_nlinear_trust(), &parameters, count, free.count)
    else { throw GSLError(status: 8, function: "gsl_multifit_nlinear_alloc") }
    defer { gsl_multifit_nlinear_free(workspace) }
    guard let initial = gsl_vector_alloc(free.count) else {
      throw GSLError(status: 8, function: "gsl_vector_alloc")
    }
    defer { gsl_vector_free(initial) }
    for (index, value) in free.enumerated() { gsl_vector_set(initial, index, value) }
    var function = gsl_multifit_nlinear_fdf()
    function.n = count
    function.p = free.count
    function.params = Unmanaged.passUnretained(problem).toOpaque()
    function.f = { vector, context, output in
      guard let vector, let context, let output else { return 4 }
      let problem = Unmanaged<Problem>.fromOpaque(context).takeUnretainedValue()
      let values = problem.bounds.indices.map {
        problem.bounds[$0].value(gsl_vector_get(vector, $0))
      }
      problem.buffer.withUnsafeMutableBufferPointer { problem.residuals(values, $0) }
      // The output may be a column of a matrix.
      for (index, residual) in problem.buffer.enumerated() {
        guard residual.isFinite else { return 9 }
        gsl_vector_set(output, index, residual * problem.weights[index])
      }
      return 0
    }
    // Without derivatives GSL takes forward differences. It keeps the pointer to the function.
    let status = withUnsafeMutablePointer(to: &function) { function in
      let status = gsl_multifit_nlinear_init(initial, function, workspace)
      guard status == 0 else { return status }
      var reason: Int32 = 0
      return gsl_multifit_nlinear_driver(
        iterationsPerRound, 1e-5, 1e-6, 1e-6, nil, nil, &reason, workspace)
    }
    // Too many steps (11) and no further progress (27) end a round; anything else is an error.
    guard status == 0 || status == 11 || status == 27 else {
      throw GSLError(status: status, function: "gsl_multifit_nlinear_driver")
    }
    let position = gsl_multifit_nlinear_position(workspace)
    let result = free.indices.map { gsl_vector_get(position, $0) }
    return (result, Int(gsl_multifit_nlinear_niter(workspace)), status == 0)
  }

  private final class Problem {
    let bounds: [Bound]
    var weights: [Double]
    var buffer: [Double]
    let residuals: ([Double], UnsafeMutableBufferPointer<Double>) -> Void

    init(
      bounds: [Bound], weights: [Double],
      residuals: @escaping ([Double], UnsafeMutableBufferPointer<Double>) -> Void
    ) {
      self.bounds = bounds
      self.weights = weights
      buffer = weights
      self.residuals = residuals
    }
  }
}
