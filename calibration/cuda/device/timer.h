// SPDX-License-Identifier: GPL-3.0-or-later
// Times work on a stream, until the median is known well enough.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "../host/statistics.h"
#include "../kernels/basic.cuh"
#include "runtime.h"

namespace calibration {

struct TimingPlan {
  int minimumRepeats = 9;
  int maximumRepeats = 101;
  /// The standard error of the median, relative to it, at which repeating ends.
  double noise = 0.005;
  /// Time for one row beyond its minimum of repeats [s].
  double budget = 1.5;
  /// Time for which work runs before it is timed [s], so that clocks have risen.
  double warmUp = 0.05;
  /// Runs before timing, at least.
  int warmRuns = 3;
};

class Timer {
 public:
  Timer(cudaStream_t stream, TimingPlan plan) : stream(stream), plan(plan) {}

  /// Times `body(iteration)`, which launches about `launches` pieces of work on the stream and does
  /// not wait for them. Iterations count on from call to call, so that a body can take other weights
  /// each time. Short bodies are timed in groups; a spinning kernel in front keeps the device waiting
  /// until the group is queued, so that what is timed is the device and not the host that launches.
  template <typename Body>
  Summary device(Body body, int launches = 1) {
    auto began = now();
    int warm = 0;
    do {
      body(iteration++);
      if (++warm % 8 == 0 || since(began) > plan.warmUp / 4) synchronise();
    } while (warm < plan.warmRuns || since(began) < plan.warmUp);
    synchronise();

    double single = group(body, 1, launches);
    int inner = int(std::ceil(200e-6 / std::max(single, 1e-7)));
    inner = std::max(1, std::min({inner, 64, std::max(1, 512 / std::max(1, launches))}));
    return repeat([&] { return group(body, inner, launches); });
  }

  /// Times `body(iteration)`, which returns when its work is done, by the host's clock.
  template <typename Body>
  Summary host(Body body) {
    auto began = now();
    int warm = 0;
    do body(iteration++);
    while (++warm < plan.warmRuns || since(began) < plan.warmUp);
    return repeat([&] {
      auto start = now();
      body(iteration++);
      return since(start);
    });
  }

  /// Collects samples [s] until they are good enough.
  template <typename Sample>
  Summary repeat(Sample sample) {
    std::vector<double> samples;
    auto began = now();
    for (;;) {
      samples.push_back(sample());
      int count = int(samples.size());
      if (count < plan.minimumRepeats) continue;
      if (count >= plan.maximumRepeats || since(began) > plan.budget) break;
      if (summarise(samples).relativeError <= plan.noise) break;
    }
    return summarise(samples);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static Clock::time_point now() { return Clock::now(); }
  static double since(Clock::time_point from) {
    return std::chrono::duration<double>(now() - from).count();
  }
  void synchronise() { require(cudaStreamSynchronize(stream), "timed work"); }

  template <typename Body>
  double group(Body& body, int inner, int launches) {
    // 6 us a launch is more than the 2 to 4 us that launches take on common hosts.
    unsigned spin = unsigned(std::min(5000.0, 20 + 6.0 * inner * launches)) * 1000;
    launch(spinKernel, 1, 1, 0, stream, spin);
    from.record(stream);
    for (int i = 0; i < inner; ++i) body(iteration++);
    to.record(stream);
    to.synchronise();
    return secondsBetween(from, to) / inner;
  }

  cudaStream_t stream;
  TimingPlan plan;
  Event from, to;
  long long iteration = 0;
};

}  // namespace calibration
