// SPDX-License-Identifier: GPL-3.0-or-later

extension RoleRegistry {
  /// Schedules that decide whole steps beforehand.
  static let graphSchedules: [RoleRegistration<any SchedulePolicy>] = [
    .init(
      name: "cgopipe",
      summary: "attention on the processor, weights streamed page by page beside micro-batches",
      parameters: [
        microBatch,
        microBatches,
        RoleParameter(
          "pages", .count(1...4096), otherwise: "micro_batches",
          summary: "pages of a layer's streamed weights; 1 is the whole layer"),
        RoleParameter(
          "ahead", .count(0...64), default: 2,
          summary: "micro-batches whose attention is launched ahead"),
        RoleParameter(
          "whole_experts", .flag, default: 1,
          summary: "whether the share of experts on the GPU is rounded down to whole experts"),
        RoleParameter(
          "constants", .choice(["machine", "published-l4", "published-t4"]), word: "machine",
          summary: "the rates and sizes with which the optimiser works"),
      ]
    ) { settings in
      let constants: HierarchicalRoofline.Machine? =
        switch settings.text("constants") {
        case "published-l4": .publishedL4
        case "published-t4": .publishedT4
        default: nil
        }
      return PipelinedHostAttention(
        microBatchSize: settings.count("micro_batch"),
        microBatches: settings.count("micro_batches"), pages: settings.count("pages"),
        ahead: settings.count("ahead") ?? 2, keepsWholeExperts: settings.flag("whole_experts"),
        constants: constants)
    },
    .init(
      name: "block",
      summary: "layer by layer over a block of micro-batches, synchronised after each",
      parameters: [
        microBatch, microBatches,
        RoleParameter(
          "attention", .choice(["gpu", "cpu"]), word: "gpu", summary: "who computes attention"),
        RoleParameter(
          "pinned_kv", .flag, default: 0,
          summary: "whether keys and values lie in pinned memory even where weights do not"),
      ]
    ) { settings in
      BlockSchedule(
        microBatchSize: settings.count("micro_batch"),
        microBatches: settings.count("micro_batches"),
        attendsOnHost: settings.text("attention") == "cpu",
        pinsKeyValues: settings.flag("pinned_kv"))
    },
    .init(
      name: "layer-streaming",
      summary: "one batch through layers whose weights arrive whole; its cache stays on the GPU",
      parameters: [
        microBatch
      ]
    ) { settings in
      LayerStreaming(sequences: settings.count("micro_batch"))
    },
    expertPipeline,
  ]

  private static let microBatch = RoleParameter(
    "micro_batch", .count(1...1_000_000), otherwise: "chosen by the schedule",
    summary: "sequences of a micro-batch")

  private static let microBatches = RoleParameter(
    "micro_batches", .count(1...4096), otherwise: "chosen by the schedule",
    summary: "micro-batches of a batch")
}
