// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments
import ModelDescriptors
import Policies
import Serving

/// The command line of a server that does what a candidate says.
///
/// Options are those of llama.cpp's server (tools/server/README.md), vLLM's engine arguments
/// (docs.vllm.ai), SGLang's server arguments (docs.sglang.io), TensorRT-LLM's `trtllm-serve` and
/// KTransformers' options of SGLang (kvcache-ai/ktransformers, kt-kernel).
struct ServerSettings {
  private(set) var runtime = ""
  private(set) var words: [String] = []
  private(set) var servers = 1
  private(set) var notes: [String] = []
  private(set) var repository = ""

  private let model: ModelDescriptor
  private let precision: PrecisionPlan
  private let limits: BatchLimits
  private let cache: CacheConfiguration
  private let batching: BatchFeatures
  private let plan: ParallelPlan

  /// The settings; `nil` where the runtime's are not known, or the policy is not the runtime's.
  init?(_ prepared: PreparedCandidate) {
    let scenario = prepared.scenario
    var one: ServingConfiguration?
    switch prepared.configuration {
    case .replica(let configuration):
      one = configuration
      (model, precision, limits) = (
        configuration.model, configuration.precision, configuration.limits
      )
      (cache, batching) = (configuration.cache, configuration.batching)
      plan = scenario.serving.spread.plan
    case .fleet(let fleet):
      let group = fleet.groups[0]
      guard fleet.groups.count == 1 else { return nil }
      (model, precision, limits) = (group.model, group.precision, group.limits)
      (cache, batching, plan) = (group.cache, group.batching, group.plan)
      servers = group.replicas
    }
    repository = model.notes.repository ?? model.name
    if batching.speculation != nil { notes.append("speculative decoding is set apart") }
    guard let memory = try? one?.memoryPlan() else {
      guard one == nil else { return nil }
      guard setWholeModel(scenario.runtime.label) else { return nil }
      return
    }
    if memory.everyExpertIsResident, setWholeModel(scenario.runtime.label) { return }
    guard let one else { return nil }
    if scenario.policy.preset == "ktransformers" {
      setKTransformers(memory)
    } else if scenario.runtime.label == "llama.cpp", setLlama(one, memory) {
      return
    } else {
      return nil
    }
  }

  // MARK: Every expert on the GPUs

  private mutating func setWholeModel(_ label: String) -> Bool {
    switch label {
    case "vllm", "vllm-server": setVLLM()
    case "sglang", "sglang-server": setSGLang()
    case "tensorrt-llm", "trtllm-server": setTensorRT()
    case "llama.cpp" where plan.devices == 1: setLlamaServer(offload: [])
    default: return false
    }
    return true
  }

  /// Notes formats that the checkpoint does not have.
  private mutating func notePrecision() {
    let native = model.nativePrecision
    if precision.experts != native.experts || precision.attention != native.attention {
      notes.append(
        "needs a checkpoint with experts in \(precision.experts) and attention in"
          + " \(precision.attention); \(repository) has \(native.experts) and \(native.attention)")
    }
  }

  private var keepsKeysInEightBits: Bool {
    precision.keyValue.bitsPerWeight <= 8.5 && precision.keyValue != model.nativePrecision.keyValue
  }

  private mutating func setVLLM() {
    runtime = "vLLM"
    words = ["vllm serve \(repository)"]
    add("--tensor-parallel-size", plan.tensor, unless: 1)
    add("--pipeline-parallel-size", plan.pipeline, unless: 1)
    add("--data-parallel-size", plan.data, unless: 1)
    if plan.expert == plan.tensor * plan.data, plan.expert > 1 {
      words.append("--enable-expert-parallel")
    } else if plan.expert > 1 {
      notes.append(
        "vLLM spreads experts over all GPUs of a stage or over none; expert: \(plan.expert) is"
          + " neither")
    }
    add("--max-num-seqs", limits.maximumSequences)
    add("--max-num-batched-tokens", limits.tokenBudget)
    words.append("--gpu-memory-utilization \(cache.memoryFraction)")
    if keepsKeysInEightBits { words.append("--kv-cache-dtype fp8") }
    words.append(
      batching.sharesPrefixes ? "--enable-prefix-caching" : "--no-enable-prefix-caching")
    notePrecision()
  }

  private mutating func setSGLang() {
    runtime = "SGLang"
    words = ["python3 -m sglang.launch_server --model-path \(repository)"]
    add("--tp-size", plan.tensor * plan.data, unless: 1)
    add("--pp-size", plan.pipeline, unless: 1)
    if plan.data > 1 {
      add("--dp-size", plan.data)
      words.append("--enable-dp-attention")
    }
    add("--ep-size", plan.expert, unless: 1)
    add("--max-running-requests", limits.maximumSequences * plan.data)
    add("--chunked-prefill-size", limits.tokenBudget)
    words.append("--mem-fraction-static \(cache.memoryFraction)")
    if keepsKeysInEightBits { words.append("--kv-cache-dtype fp8_e4m3") }
    if !batching.sharesPrefixes { words.append("--disable-radix-cache") }
    notePrecision()
  }

  private mutating func setTensorRT() {
    runtime = "TensorRT-LLM"
    words = ["trtllm-serve \(repository)"]
    add("--tp_size", plan.tensor * plan.data, unless: 1)
    add("--pp_size", plan.pipeline, unless: 1)
    add("--ep_size", plan.expert, unless: 1)
    add("--max_batch_size", limits.maximumSequences)
    add("--max_num_tokens", limits.tokenBudget)
    words.append("--kv_cache_free_gpu_memory_fraction \(cache.memoryFraction)")
    if plan.data > 1 {
      notes.append("ranks with attention of their own: enable_attention_dp in its options file")
    }
    notePrecision()
  }

  // MARK: Experts off the GPU

  /// llama.cpp's server, where experts are with the processor as it can have them.
  private mutating func setLlama(_ one: ServingConfiguration, _ memory: MemoryPlan) -> Bool {
    guard one.policy.resolve.usesHostCompute, plan.devices == 1 else { return false }
    if let held = memory.division.layerSlots {
      let count = held.count { $0 == 0 }
      // The option counts layers with and without experts.
      let layers = count == 0 ? 0 : model.mixtureLayers[count - 1] + 1
      let pattern = "-ot \"blk\\.(\(Self.range(layers)))\\.ffn_.*_exps\\.=CPU\""
      setLlamaServer(offload: count == held.count ? ["--cpu-moe"] : ["--n-cpu-moe \(layers)"])
      if count > 0 { notes.append("the same placement by tensors: \(pattern)") }
      return true
    }
    guard memory.slots == 0 else { return false }
    setLlamaServer(offload: ["--cpu-moe"])
    notes.append("the same placement by tensors: -ot \"exps=CPU\"")
    return true
  }

  /// A regular expression for the numbers below one.
  private static func range(_ count: Int) -> String {
    (0..<count).map(String.init).joined(separator: "|")
  }

  private mutating func setLlamaServer(offload: [String]) {
    runtime = "llama.cpp"
    words = ["llama-server -m MODEL.gguf -ngl 999"] + offload
    add("-np", limits.maximumSequences)
    words.append("-c CONTEXT")
    add("-ub", limits.tokenBudget)
    words.append("-fa on")
    if keepsKeysInEightBits { words.append("-ctk q8_0 -ctv q8_0") }
    notes.append(
      "MODEL.gguf is \(repository) with experts in \(precision.experts) and attention in"
        + " \(precision.attention); CONTEXT is \(limits.maximumSequences) times the longest request"
    )
  }

  private mutating func setKTransformers(_ memory: MemoryPlan) {
    runtime = "KTransformers (in SGLang)"
    words = [
      "python3 -m sglang.launch_server --model \(repository) --kt-weight-path WEIGHTS",
      "--kt-method METHOD --kt-cpuinfer CORES --kt-threadpool-count SOCKETS",
    ]
    add(
      "--kt-num-gpu-experts", memory.slots / (memory.scope == .perLayer ? 1 : max(1, memory.layers))
    )
    add("--tensor-parallel-size", plan.tensor, unless: 1)
    add("--max-running-requests", limits.maximumSequences)
    add("--chunked-prefill-size", limits.tokenBudget)
    words.append("--mem-fraction-static \(cache.memoryFraction)")
    notes.append(
      "METHOD is the one that keeps experts in \(precision.experts) (AMXINT4, AMXINT8, LLAMAFILE,"
        + " FP8, BF16); CORES and SOCKETS are those of the host")
  }

  private mutating func add(_ option: String, _ value: Int, unless standard: Int? = nil) {
    if value != standard { words.append("\(option) \(value)") }
  }
}
