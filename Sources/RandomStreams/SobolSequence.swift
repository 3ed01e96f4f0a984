// SPDX-License-Identifier: GPL-3.0-or-later

internal import CGSL

/// GSL's Sobol sequence: points that fill the unit cube more evenly than random ones do.
public struct SobolSequence: ~Copyable {
  /// The most dimensions that GSL's direction numbers cover.
  public static let maximumDimensions = 40

  private let generator: UnsafeMutablePointer<gsl_qrng>
  /// The dimensions of a point.
  public let dimensions: Int

  /// The sequence from its start.
  ///
  /// - Precondition: 1 to ``maximumDimensions`` dimensions.
  public init(dimensions: Int) {
    precondition((1...Self.maximumDimensions).contains(dimensions))
    GSL.prepare()
    guard let generator = gsl_qrng_alloc(cgsl_qrng_sobol(), UInt32(dimensions)) else {
      preconditionFailure("no memory for a Sobol sequence of \(dimensions) dimensions")
    }
    self.generator = generator
    self.dimensions = dimensions
  }

  deinit { gsl_qrng_free(generator) }

  /// The next point; each coordinate lies in (0, 1).
  public mutating func next() -> [Double] {
    var point = [Double](repeating: 0, count: dimensions)
    _ = gsl_qrng_get(generator, &point)
    return point
  }
}
