// SPDX-License-Identifier: GPL-3.0-or-later

/// One measured serving point: a model on a machine under a server, and its mean latencies.
public struct ServingPoint: Hashable, Sendable {
  /// What the table says of how the replica was spread; a part is `nil` where its field is empty.
  public struct Recorded: Hashable, Sendable {
    /// GPUs that share every layer.
    public var tensor: Int?
    /// Stages of layers.
    public var pipeline: Int?
    /// Ranks of data-parallel attention.
    public var data: Int?
    /// Parts of each expert.
    public var expertTensor: Int?
    /// Groups with different experts.
    public var expert: Int?

    /// A record.
    public init(
      tensor: Int? = nil, pipeline: Int? = nil, data: Int? = nil, expertTensor: Int? = nil,
      expert: Int? = nil
    ) {
      self.tensor = tensor
      self.pipeline = pipeline
      self.data = data
      self.expertTensor = expertTensor
      self.expert = expert
    }
  }

  /// The table's name for it.
  public var id: String
  /// The line of the table.
  public var line: Int
  /// Where the table has it from.
  public var source: String
  /// The model's repository.
  public var model: String
  /// The machine, in the table's words.
  public var system: String
  /// The server: "vllm", "sglang", "trtllm".
  public var backend: String
  /// Its version; empty where nobody says.
  public var version: String
  /// The label of the precision: "fp8", "fp4", "bf16".
  public var precision: String
  /// The format of products outside experts, in the table's words.
  public var productFormat: String
  /// The format of experts.
  public var expertFormat: String
  /// Whether prompts and outputs were computed by different GPUs.
  public var isDisaggregated: Bool
  /// Tokens of a prompt, nominally.
  public var prompt: Int
  /// Tokens of an output, nominally.
  public var output: Int
  /// Requests under way at once; `nil` where nobody says.
  public var concurrency: Int?
  /// How the replica was spread.
  public var recorded: Recorded
  /// The mean time to the first token [ms].
  public var ttftMs: Double
  /// The mean time of an output token after the first [ms].
  public var tpotMs: Double
}
