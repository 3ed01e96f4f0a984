// SPDX-License-Identifier: GPL-3.0-or-later
// When work on streams began and ended, by events that are read once it is done.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../device/runtime.h"
#include "../host/chrome_trace.h"

namespace calibration {

/// What a span of time was spent on. Sums are kept for each.
enum class Stage { step, attention, gate, expertPhase, expert, sharedExpert, head, demand, prefetch, count };

inline const char* stageName(Stage stage) {
  static const char* names[] = {"step",   "attention", "gate",     "expert_phase", "expert",
                                "shared", "head",      "demand_copy", "prefetch_copy"};
  return names[int(stage)];
}

class Spans {
 public:
  static std::vector<std::string> tracks() {
    return {"steps", "compute", "experts", "demand copies", "prefetch copies"};
  }

  explicit Spans(ChromeTrace* trace) : trace(trace) {}

  /// Marks the beginning of something on a stream.
  std::size_t begin(Stage stage, int track, std::string label, cudaStream_t stream) {
    Open span;
    span.stage = stage;
    span.track = track;
    span.label = std::move(label);
    span.from = take();
    span.from->record(stream);
    open.push_back(std::move(span));
    return open.size() - 1;
  }
  void end(std::size_t number, cudaStream_t stream) {
    Open& span = open[number];
    span.to = take();
    span.to->record(stream);
  }

  /// Takes a step's base time, and reads all spans that have ended. Called when the step's own stream
  /// has come to rest; copies that still run stay open.
  void resolve(const Event& base, const Event* previousBase, double (&sums)[int(Stage::count)]) {
    if (previousBase) baseSeconds += secondsBetween(*previousBase, base);
    std::vector<Open> rest;
    for (Open& span : open) {
      if (!span.to || !isDone(*span.to)) {
        rest.push_back(std::move(span));
        continue;
      }
      double from = secondsBetween(base, *span.from), to = secondsBetween(base, *span.to);
      sums[int(span.stage)] += to - from;
      if (trace) trace->add(span.track, span.label, baseSeconds + from, baseSeconds + to);
      spare.push_back(std::move(span.from));
      spare.push_back(std::move(span.to));
    }
    // Numbers that were given out are of no use from here on; every span has been ended by now.
    open = std::move(rest);
  }

  static bool isDone(const Event& event) {
    cudaError_t status = cudaEventQuery(event);
    if (status != cudaErrorNotReady) require(status, "an event's state");
    return status == cudaSuccess;
  }

 private:
  struct Open {
    Stage stage;
    int track;
    std::string label;
    std::unique_ptr<Event> from, to;
  };
  std::unique_ptr<Event> take() {
    if (spare.empty()) return std::make_unique<Event>();
    std::unique_ptr<Event> event = std::move(spare.back());
    spare.pop_back();
    return event;
  }

  ChromeTrace* trace;
  std::vector<Open> open;
  std::vector<std::unique_ptr<Event>> spare;
  double baseSeconds = 0;
};

}  // namespace calibration
