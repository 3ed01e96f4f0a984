// SPDX-License-Identifier: GPL-3.0-or-later
// What a rehearsal found, as one JSON object.
#pragma once

#include <string>
#include <vector>

#include "../device/description.h"
#include "../host/json_text.h"
#include "link_check.h"
#include "player.h"

namespace calibration {

struct RehearsalReport {
  std::string logName;
  DeviceDescription device;
  bool loadThenCompute = false, computesAttention = true;
  std::int64_t distinctExperts = 0, chunkBytes = 0;
  int attempts = 1;
  Playback playback;
  MachineCheck before, after;
  double drift = 0;
  /// Nothing, or what the check against a plain execution found.
  std::string verified;
};

inline std::string stepsJson(const std::vector<StepRecord>& steps, bool isDecode) {
  JsonObject object;
  std::vector<double> seconds, host;
  double measured = 0, simulated = 0, stages[int(Stage::count)] = {};
  std::int64_t tokens = 0, demand = 0, ahead = 0;
  for (const StepRecord& step : steps) {
    if (step.isDecode != isDecode) continue;
    seconds.push_back(step.seconds);
    host.push_back(step.hostSeconds);
    measured += step.hostSeconds;
    simulated += step.simulatedSeconds;
    tokens += step.outputs;
    demand += step.demandBytes;
    ahead += step.prefetchBytes;
    for (int i = 0; i < int(Stage::count); ++i) stages[i] += step.stages[i];
  }
  std::size_t count = seconds.size();
  object.add("steps", count);
  object.add("output_tokens", tokens);
  if (count == 0) return object.text();
  Summary device = summarise(seconds), wall = summarise(host);
  // A step gives each of its sequences a token: the time per token is the time of a step.
  object.add("measured_s_per_step", measured / double(count));
  object.add("simulated_s_per_step", simulated / double(count));
  object.add("simulated_over_measured_minus_1", simulated / measured - 1);
  object.add("median_s", wall.median);
  object.add("min_s", wall.minimum);
  object.add("max_s", wall.maximum);
  object.add("device_median_s", device.median);
  object.add("demand_bytes", demand);
  object.add("prefetch_bytes", ahead);
  JsonObject perStep;
  for (int i = 0; i < int(Stage::count); ++i) {
    perStep.add(stageName(Stage(i)), stages[i] / double(count));
  }
  // The experts' phase less the products in it: waiting for copies and for launches.
  perStep.add(
      "expert_stall", (stages[int(Stage::expertPhase)] - stages[int(Stage::expert)] -
                       stages[int(Stage::sharedExpert)]) /
                          double(count));
  object.raw("stages_s_per_step", perStep.text());
  return object.text();
}

inline std::string reportJson(const RehearsalReport& report, const DecisionHeader& header) {
  JsonObject object;
  object.add("format", "moesim-cuda-rehearsal");
  object.add("version", 1);
  object.add("device", report.device.name);
  object.add("source", report.device.source);
  object.add("date", report.device.date);
  object.add("log", report.logName);
  object.add("scenario", header.scenario);
  object.add("model", header.model);
  object.add("policy", header.policy);
  object.add("schedule", report.loadThenCompute ? "load-then-compute" : "compute-as-ready");
  object.add("slots", header.slotCount());
  object.add("expert_bytes", header.expertBytes[0]);
  object.add("chunk_bytes", report.chunkBytes);
  object.add("distinct_experts", report.distinctExperts);
  object.add("attention", report.computesAttention);
  object.raw("decode", stepsJson(report.playback.steps, true));
  object.raw("prompt_steps", stepsJson(report.playback.steps, false));

  const FoundTotals& found = report.playback.found;
  JsonObject counts;
  counts.add("hit", found.hits);
  counts.add("late", found.lates);
  counts.add("miss", found.misses);
  counts.add("streamed", found.streamed);
  counts.add("prefetch", found.prefetches);
  // What the log fetches, were no fetch cut short or continued.
  counts.add(
      "logged_bytes",
      (found.misses + found.streamed + found.prefetches) * header.expertBytes[0]);
  counts.add("hit_under_way", found.hitsUnderWay);
  counts.add("others_there", found.othersThere);
  object.raw("found", counts.text());
  const TransferTotals& totals = report.playback.transfers;
  JsonObject transfers;
  transfers.add("demand_bytes", totals.demandBytes);
  transfers.add("prefetch_bytes", totals.prefetchBytes);
  transfers.add("demands", totals.demands);
  transfers.add("prefetches", totals.prefetches);
  transfers.add("cancelled", totals.cancelled);
  object.raw("transfers", transfers.text());

  auto check = [&](const MachineCheck& machine) {
    JsonObject result;
    result.add("copy_s", machine.copy.median);
    result.add("copy_bytes_per_s", double(header.expertBytes[0]) / machine.copy.median);
    result.add("expert_s", machine.expert.median);
    return result.text();
  };
  object.raw("machine_before", check(report.before));
  object.raw("machine_after", check(report.after));
  object.add("drift", report.drift);
  object.add("is_steady", report.drift <= 0.15);
  object.add("attempts", report.attempts);
  if (!report.verified.empty()) object.add("verified", report.verified);
  return object.text();
}

}  // namespace calibration
