// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import RandomStreams

/// e to the power of `x` in single precision.
@inline(__always)
func fastExp(_ x: Float) -> Float { expf(x) }

/// A binomial draw, exact by inversion while the smaller of the two expectations is below 16, and
/// beyond that the nearest integer to a normal draw of the same mean and deviation.
func approximateBinomial(
  trials: Int, probability: Double, from stream: inout RandomStream
) -> Int {
  if trials <= 0 || probability <= 0 { return 0 }
  if probability >= 1 { return trials }
  if probability > 0.5 {
    return trials
      - approximateBinomial(trials: trials, probability: 1 - probability, from: &stream)
  }
  let mean = Double(trials) * probability
  if mean >= 16 {
    let deviation = (mean * (1 - probability)).squareRoot()
    let drawn = stream.normal(mean: mean, standardDeviation: deviation).rounded()
    return Int(min(Double(trials), max(0, drawn)))
  }
  // Inversion along the recurrence of the binomial probabilities.
  var term = exp(Double(trials) * log1p(-probability))
  let odds = probability / (1 - probability)
  var uniform = stream.uniform()
  var count = 0
  while uniform >= term && count < trials {
    uniform -= term
    count += 1
    term *= odds * Double(trials - count + 1) / Double(count)
    if term < 1e-300 && Double(count) > mean { break }
  }
  return count
}
