// SPDX-License-Identifier: GPL-3.0-or-later

internal import CGSL
import Glibc

/// Categories with weights, prepared so that a draw costs the same however many there are.
///
/// GSL's `gsl_ran_discrete`, which is Walker's alias method (ACM TOMS 3, 1977).
public struct DiscreteTable: ~Copyable {
  private let table: UnsafeMutablePointer<gsl_ran_discrete_t>
  /// The number of categories.
  public let count: Int

  /// Prepares a table in O(count).
  ///
  /// - Throws: `GSLError` with status 4 (invalid argument) when there are no weights, one is
  ///   negative or not finite, or all are zero; 8 when memory is short.
  public init(weights: [Double]) throws(GSLError) {
    GSL.prepare()
    let isUsable =
      !weights.isEmpty && weights.allSatisfy { $0 >= 0 && $0.isFinite }
      && weights.contains { $0 > 0 }
    if !isUsable { throw GSLError(status: 4, function: "gsl_ran_discrete_preproc") }
    guard let made = gsl_ran_discrete_preproc(weights.count, weights) else {
      throw GSLError(status: 8, function: "gsl_ran_discrete_preproc")
    }
    table = made
    count = weights.count
  }

  /// Weights 1/(i + shift)^exponent for i = 1 … count: Zipf's law, and Mandelbrot's with a shift.
  public init(zipfCount count: Int, exponent: Double, shift: Double = 0) throws(GSLError) {
    try self.init(weights: (0..<max(0, count)).map { pow(Double($0 + 1) + shift, -exponent) })
  }

  deinit { gsl_ran_discrete_free(table) }

  func draw(_ generator: UnsafeMutablePointer<gsl_rng>) -> Int {
    gsl_ran_discrete(generator, table)
  }

  /// The probability of one category.
  public func probability(_ index: Int) -> Double {
    precondition(index >= 0 && index < count, "A category is below the number of categories.")
    return gsl_ran_discrete_pdf(index, table)
  }
}

extension DiscreteTable: @unchecked Sendable {}
