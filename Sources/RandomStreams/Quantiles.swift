// SPDX-License-Identifier: GPL-3.0-or-later

internal import CGSL

/// Quantile functions from GSL, for tables that turn uniform draws into others.
public enum Quantiles {
  /// The value below which a gamma variable lies with the given probability.
  ///
  /// - Precondition: the probability is within [0, 1), shape and scale are positive.
  public static func gamma(_ probability: Double, shape: Double, scale: Double) -> Double {
    GSL.prepare()
    precondition(probability >= 0 && probability < 1 && shape > 0 && scale > 0)
    return gsl_cdf_gamma_Pinv(probability, shape, scale)
  }

  /// The value below which a standard normal variable lies with the given probability.
  ///
  /// - Precondition: the probability is within (0, 1).
  public static func normal(_ probability: Double) -> Double {
    GSL.prepare()
    precondition(probability > 0 && probability < 1)
    return gsl_cdf_ugaussian_Pinv(probability)
  }

  /// The value below which Student's t with the given degrees of freedom lies.
  ///
  /// - Precondition: the probability is within (0, 1), the degrees of freedom are positive.
  public static func studentT(_ probability: Double, degreesOfFreedom: Double) -> Double {
    GSL.prepare()
    precondition(probability > 0 && probability < 1 && degreesOfFreedom > 0)
    return gsl_cdf_tdist_Pinv(probability, degreesOfFreedom)
  }

  /// The probability that Student's t with the given degrees of freedom lies above a value.
  ///
  /// - Precondition: the degrees of freedom are positive, the value is a number.
  public static func studentTTail(_ value: Double, degreesOfFreedom: Double) -> Double {
    GSL.prepare()
    precondition(!value.isNaN && degreesOfFreedom > 0)
    return gsl_cdf_tdist_Q(value, degreesOfFreedom)
  }
}
