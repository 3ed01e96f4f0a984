// SPDX-License-Identifier: GPL-3.0-or-later

/// What the software adds to the hardware's times: the figures of a runtime profile.
@frozen
public struct SoftwareCosts: Hashable, Sendable, BitwiseCopyable {
  /// Seconds that each launch takes besides its work.
  public var perKernel: Double
  /// Seconds that each layer takes besides its kernels.
  public var perLayer: Double
  /// Seconds that each expert takes besides its kernels: a loop over experts in the host's language.
  public var perExpert: Double
  /// Seconds that each forward pass takes besides its layers.
  public var perStep: Double
  /// Seconds between a request's arrival and its turn to be scheduled.
  public var perRequest = 0.0
  /// Seconds more for each token of its prompt.
  public var perPromptToken = 0.0
  /// Steps that are planned ahead of the one under way.
  public var stepsAhead = 0
  /// Seconds in which the host launches a layer's kernels one by one; 0 where graphs cover all steps.
  public var eagerPerLayer = 0.0
  /// Tokens of a step with prompts up to which it is replayed from a captured graph.
  public var graphTokens = 0.0
  /// Seconds that each copy takes on the CPU before it is queued.
  public var perCopy: Double
  /// The share of the achievable arithmetic rate that the runtime's kernels reach.
  public var computeEfficiency: Double
  /// The share of the achievable memory rate that they reach.
  public var memoryEfficiency: Double
  /// The share of the memory rate that kernels reach which unpack weights before they multiply.
  public var dequantizationEfficiency: Double

  /// Creates costs; the defaults cost nothing.
  @inlinable
  public init(
    perKernel: Double = 0, perLayer: Double = 0, perStep: Double = 0, perCopy: Double = 0,
    computeEfficiency: Double = 1, memoryEfficiency: Double = 1,
    dequantizationEfficiency: Double = 1, perExpert: Double = 0
  ) {
    self.perExpert = perExpert
    self.perKernel = perKernel
    self.perLayer = perLayer
    self.perStep = perStep
    self.perCopy = perCopy
    self.computeEfficiency = computeEfficiency
    self.memoryEfficiency = memoryEfficiency
    self.dequantizationEfficiency = dequantizationEfficiency
  }

  /// Seconds between the arrival of a request with so many prompt tokens and its turn to be scheduled.
  @inlinable
  public func secondsBeforeScheduling(promptTokens: Int) -> Double {
    perRequest + perPromptToken * Double(promptTokens)
  }

  /// Software that costs nothing.
  public static let none = SoftwareCosts()
}
