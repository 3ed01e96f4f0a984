// SPDX-License-Identifier: GPL-3.0-or-later
// What a rehearsal depends on, measured before and after it: the link and the product of one expert.
#pragma once

#include <vector>

#include "../device/timer.h"
#include "../host/measurement_row.h"
#include "model.h"
#include "transfers.h"

namespace calibration {

struct MachineCheck {
  Summary copy, expert;
  std::vector<double> figures() const { return {copy.median, expert.median}; }
};

/// Times the copy of one expert from locked memory, and one expert's network for `tokens` rows.
inline MachineCheck checkMachine(
    const HostExperts& host, RehearsedModel& model, const DecisionHeader& header, int tokens,
    TimingPlan plan, cudaStream_t stream) {
  Timer timer(stream, plan);
  std::size_t bytes = std::size_t(header.expertBytes[0]);
  std::size_t available = freeDeviceMemory() / 10 * 8 / bytes;
  // A few experts, as far as there is room, so that the cache does not serve them all.
  std::size_t count = std::max<std::size_t>(1, std::min<std::size_t>(8, available));
  DeviceBuffer<unsigned char> experts(count * bytes);
  std::int64_t turn = 0;
  auto copy = [&](long long) {
    ++turn;
    require(
        cudaMemcpyAsync(
            experts.data() + std::size_t(turn) % count * bytes, host.at(turn), bytes,
            cudaMemcpyHostToDevice, stream),
        "an expert's copy");
  };
  for (std::size_t i = 0; i < count; ++i) copy(0);
  Decision step;
  step.tokens = tokens;
  step.sequences.push_back({0, 0, tokens, tokens});
  model.beginStep(step);
  MachineCheck result;
  result.copy = timer.device(copy);
  result.expert = timer.device(
      [&](long long i) {
        model.expert(experts.data() + std::size_t(i) % count * bytes, 0, tokens, 0.0f);
      },
      5);
  return result;
}

}  // namespace calibration
