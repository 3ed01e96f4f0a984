// SPDX-License-Identifier: GPL-3.0-or-later

extension SimulationResult {
  /// How sure the figures are, as far as the errors of fitted kernel timings go.
  public struct UncertaintyReport: Codable, Sendable, Equatable {
    /// A law whose error was drawn.
    public struct Law: Codable, Sendable, Equatable {
      /// The family, class and storage of its kernels.
      public var name: String
      /// The median of |predicted − measured| / measured on shapes that the fit had not seen.
      public var medianError: Double
      /// The standard deviation of the logarithm of the factor that was drawn.
      public var standardDeviation: Double

      /// The record of these values.
      public init(name: String, medianError: Double, standardDeviation: Double) {
        self.name = name
        self.medianError = medianError
        self.standardDeviation = standardDeviation
      }
    }

    /// A figure with its interval.
    public struct Figure: Codable, Sendable, Equatable {
      /// The key in this record.
      public var name: String
      /// The value by the laws as they were fitted.
      public var nominal: Double
      /// The 5th percentile over the replications.
      public var low: Double
      /// The 95th percentile.
      public var high: Double
      /// The standard deviation over the replications.
      public var standardDeviation: Double

      /// The record of these values.
      public init(
        name: String, nominal: Double, low: Double, high: Double, standardDeviation: Double
      ) {
        self.name = name
        self.nominal = nominal
        self.low = low
        self.high = high
        self.standardDeviation = standardDeviation
      }
    }

    /// Runs with drawn errors.
    public var replications: Int
    /// Those of them that had no steady state.
    public var unstable: Int
    /// The laws that the model's kernels use and that were fitted.
    public var laws: [Law]
    /// The laws that its kernels use and that were not, in words; empty for none.
    public var notFitted: String
    /// Figures with their intervals.
    public var figures: [Figure]

    /// The record of these values.
    public init(
      replications: Int, unstable: Int, laws: [Law], notFitted: String, figures: [Figure]
    ) {
      self.replications = replications
      self.unstable = unstable
      self.laws = laws
      self.notFitted = notFitted
      self.figures = figures
    }
  }
}
