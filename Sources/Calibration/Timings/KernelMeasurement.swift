// SPDX-License-Identifier: GPL-3.0-or-later

/// One row of a table of timings: a kernel, the shape that it ran on, and how long it took.
///
/// The names of the stored properties in files are those of `CodingKeys`; a property that does not
/// apply to the kernel is absent (JSON Lines) or empty (CSV). Times are seconds, sizes bytes.
public struct KernelMeasurement: Codable, Hashable, Sendable {
  /// The device, "NVIDIA H100 80 GB SXM".
  public var device: String
  /// What was timed.
  public var kernel: MeasuredKernel
  /// The model, where whole models were timed.
  public var model: String?
  /// The implementation, "vllm_fused_moe", "openblas".
  public var implementation: String?

  /// Rows of a product.
  public var m: Int?
  /// Columns of a product.
  public var n: Int?
  /// Depth of a product.
  public var k: Int?

  /// Tokens of a batch.
  public var tokens: Int?
  /// Experts of the layer that live on this device.
  public var experts: Int?
  /// Experts of the layer over all devices, where experts are spread; `experts` where absent.
  public var totalExperts: Int?
  /// Experts that at least one token uses.
  public var activated: Int?
  /// Pairs of a token and one of its experts that this device computed, where they were counted;
  /// elsewhere `tokens` · `topK` · `experts` / `totalExperts` are expected.
  public var routed: Int?
  /// Experts that each token uses.
  public var topK: Int?
  /// The size of a token's vector.
  public var hidden: Int?
  /// The inner width of an expert on this device.
  public var width: Int?

  /// Matrices of an expert: 3 with a gate, 2 without; 3 where absent.
  public var matrices: Int?

  /// Sequences.
  public var batch: Int?
  /// Query heads.
  public var heads: Int?
  /// Heads of keys and values.
  public var kvHeads: Int?
  /// Values in a head; of latent attention, in the latent vector.
  public var headSize: Int?
  /// New tokens of each sequence; of a whole model that generates, one after another.
  public var query: Int?
  /// Cached tokens of each sequence.
  public var past: Int?

  /// Bytes of a copy, a read, or a collective.
  public var bytes: Int?
  /// "h2d", "d2h", "d2d", "h2h".
  public var direction: String?
  /// Whether host memory was locked.
  public var pinned: Bool?
  /// Copies under way at once.
  public var streams: Int?
  /// Threads of a processor.
  public var threads: Int?
  /// Reads under way at once.
  public var queueDepth: Int?
  /// Bytes of the pieces in which a read is made, where it is.
  public var chunk: Int?
  /// Devices that take part.
  public var devices: Int?
  /// How many of them share a machine; all where absent.
  public var devicesPerNode: Int?

  /// The format of weights, or of a collective's values: "bf16", "fp8", "int4".
  public var precision: String?
  /// The format of activations, where another.
  public var activationPrecision: String?
  /// The format of keys and values, where another.
  public var kvPrecision: String?

  /// How tokens were spread over experts: "balanced", "power_law_1.2", "realised".
  public var distribution: String?
  /// The busiest expert's tokens over the mean of all experts on the device, as it was.
  public var loadRatio: Double?

  /// The median time [s].
  public var median: Double
  /// The shortest time [s].
  public var minimum: Double?
  /// The longest time [s].
  public var maximum: Double?
  /// The time that one in a hundred exceeds [s].
  public var percentile99: Double?
  /// How often it was timed.
  public var repeats: Int?
  /// Where the row is from.
  public var source: String
  /// When it was measured, "2026-11-25".
  public var date: String?

  /// The names in files.
  public enum CodingKeys: String, CodingKey, CaseIterable {
    case device, kernel, model, implementation, m, n, k, tokens, experts
    case totalExperts = "total_experts"
    case activated, routed
    case topK = "top_k"
    case hidden, width, matrices, batch, heads
    case kvHeads = "kv_heads"
    case headSize = "head_size"
    case query, past, bytes, direction, pinned, streams, threads
    case queueDepth = "queue_depth"
    case chunk, devices
    case devicesPerNode = "devices_per_node"
    case precision
    case activationPrecision = "activation_precision"
    case kvPrecision = "kv_precision"
    case distribution
    case loadRatio = "load_ratio"
    case median = "median_s"
    case minimum = "min_s"
    case maximum = "max_s"
    case percentile99 = "p99_s"
    case repeats, source, date
  }

  /// Creates a row; its shape is set afterwards.
  public init(device: String, kernel: MeasuredKernel, median: Double, source: String) {
    self.device = device
    self.kernel = kernel
    self.median = median
    self.source = source
  }
}
