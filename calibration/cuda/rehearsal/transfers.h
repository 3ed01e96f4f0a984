// SPDX-License-Identifier: GPL-3.0-or-later
// Copies of experts into the buffers of the device: demanded ones at once and whole, those ahead of
// their use chunk by chunk behind them.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "../host/expert_places.h"
#include "host_experts.h"
#include "spans.h"

namespace calibration {

struct TransferTotals {
  std::int64_t demandBytes = 0, prefetchBytes = 0, demands = 0, prefetches = 0, cancelled = 0;
};

class Transfers {
 public:
  Transfers(
      const HostExperts& host, ExpertPlaces& places, std::int64_t expertBytes, Spans& spans,
      int expertsInLayer)
      : host(host), places(places), expertBytes(expertBytes), spans(spans),
        expertsInLayer(expertsInLayer),
        memory(std::size_t(expertBytes) * std::size_t(places.buffers())) {
    for (int i = 0; i < places.buffers(); ++i) {
      loaded.push_back(std::make_unique<Event>(false));
      used.push_back(std::make_unique<Event>(false));
      hasLoaded.push_back(false);
      hasUse.push_back(false);
    }
  }

  unsigned char* data(int buffer) const {
    return memory.data() + std::size_t(buffer) * std::size_t(expertBytes);
  }

  /// Loads what the cache holds at the beginning, and waits for it.
  void fill(int expert, int buffer) {
    places.put(expert, buffer);
    places.next(buffer, true);
    require(
        cudaMemcpyAsync(
            data(buffer), host.at(expert), std::size_t(expertBytes), cudaMemcpyHostToDevice, demand),
        "an expert");
    markLoaded(buffer, demand);
  }
  void settle() { demand.synchronise(); }

  /// Asks for all that is missing of the buffer's expert.
  void demandRest(int buffer) {
    int expert = places.occupant(buffer);
    stopAhead(expert);
    if (places.isWhole(buffer)) return;
    auto [from, bytes] = places.next(buffer, true);
    std::size_t span = copy(buffer, expert, from, bytes, demand, Stage::demand);
    markLoaded(buffer, demand);
    spans.end(span, demand);
    totals.demandBytes += bytes;
    ++totals.demands;
  }

  /// Lets the buffer's expert come chunk by chunk, behind those that were asked for before.
  void queueAhead(int buffer) {
    ahead.push_back(places.occupant(buffer));
    ++totals.prefetches;
  }

  /// The expert is no longer fetched ahead; what has come of it stays.
  bool stopAhead(int expert) {
    for (auto place = ahead.begin(); place != ahead.end(); ++place) {
      if (*place == expert) {
        ahead.erase(place);
        return true;
      }
    }
    return false;
  }

  /// Issues chunks of what is fetched ahead while fewer than two are under way: a demand then waits for
  /// two chunks at most. Called whenever the host waits.
  void pump() {
    while (!underWay.empty() && Spans::isDone(*underWay.front())) {
      spareEvents.push_back(std::move(underWay.front()));
      underWay.pop_front();
    }
    while (underWay.size() < 2 && !ahead.empty()) {
      int expert = ahead.front(), buffer = places.place(expert);
      // Who lost its buffer meanwhile is no longer wanted.
      if (buffer == ExpertPlaces::none || places.isWhole(buffer)) {
        ahead.pop_front();
        continue;
      }
      auto [from, bytes] = places.next(buffer, false);
      std::size_t span = copy(buffer, expert, from, bytes, prefetch, Stage::prefetch);
      markLoaded(buffer, prefetch);
      spans.end(span, prefetch);
      totals.prefetchBytes += bytes;
      if (places.isWhole(buffer)) ahead.pop_front();
      std::unique_ptr<Event> event;
      if (spareEvents.empty()) {
        event = std::make_unique<Event>(false);
      } else {
        event = std::move(spareEvents.back());
        spareEvents.pop_back();
      }
      event->record(prefetch);
      underWay.push_back(std::move(event));
    }
  }

  /// Waits for an event, and keeps copies going meanwhile.
  void waitFor(const Event& event) {
    while (!Spans::isDone(event)) pump();
  }

  /// The stream waits until what was asked for of the buffer's expert has come.
  void awaitLoad(int buffer, cudaStream_t stream) const {
    if (hasLoaded[std::size_t(buffer)]) {
      require(cudaStreamWaitEvent(stream, *loaded[std::size_t(buffer)], 0), "a wait for an expert");
    }
  }
  bool hasCome(int buffer) const {
    return places.isWhole(buffer) && Spans::isDone(*loaded[std::size_t(buffer)]);
  }
  /// The work so far on the stream is the last that reads the buffer.
  void markUsed(int buffer, cudaStream_t stream) {
    used[std::size_t(buffer)]->record(stream);
    hasUse[std::size_t(buffer)] = true;
  }

  TransferTotals totals;

 private:
  std::size_t copy(
      int buffer, int expert, std::int64_t from, std::int64_t bytes, const Stream& stream,
      Stage stage) {
    std::size_t at = std::size_t(buffer);
    // Neither may what was there still be read, nor an earlier copy still write.
    if (hasUse[at]) require(cudaStreamWaitEvent(stream, *used[at], 0), "a wait for a buffer");
    awaitLoad(buffer, stream);
    std::size_t span = spans.begin(
        stage, stage == Stage::demand ? 3 : 4,
        std::to_string(expert / expertsInLayer) + "/" + std::to_string(expert % expertsInLayer),
        stream);
    require(
        cudaMemcpyAsync(
            data(buffer) + from, host.at(expert) + from, std::size_t(bytes), cudaMemcpyHostToDevice,
            stream),
        "an expert's copy");
    return span;
  }
  void markLoaded(int buffer, cudaStream_t stream) {
    loaded[std::size_t(buffer)]->record(stream);
    hasLoaded[std::size_t(buffer)] = true;
  }

  const HostExperts& host;
  ExpertPlaces& places;
  std::int64_t expertBytes;
  Spans& spans;
  int expertsInLayer;
  DeviceBuffer<unsigned char> memory;
  Stream demand, prefetch;
  std::vector<std::unique_ptr<Event>> loaded, used;
  std::vector<char> hasLoaded, hasUse;
  std::deque<int> ahead;
  std::deque<std::unique_ptr<Event>> underWay;
  std::vector<std::unique_ptr<Event>> spareEvents;
};

}  // namespace calibration
