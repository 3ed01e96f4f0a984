// SPDX-License-Identifier: GPL-3.0-or-later
// Streams as queues that are emptied in an adversarial order.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <vector>

namespace emulation {

struct Event {
  std::uint64_t recorded = 0;
  std::uint64_t done = 0;
  std::chrono::steady_clock::time_point time;
};

struct Item {
  std::function<void()> run;
  Event* awaited = nullptr;
  std::uint64_t generation = 0;
  bool isReady() const { return !awaited || awaited->done >= generation; }
};

struct Stream {
  std::deque<Item> queue;
  bool capturing = false;
  std::vector<std::function<void()>> captured;
};

inline std::vector<Stream*> streams;
inline bool isDraining = false;

/// The seed of the order in which queues are emptied and threads take turns; EMULATION_SEED.
inline std::uint64_t& orderState() {
  static std::uint64_t state = [] {
    const char* text = std::getenv("EMULATION_SEED");
    return text ? std::strtoull(text, nullptr, 10) : 0ull;
  }();
  return state;
}
inline std::uint64_t drawOrder() {
  std::uint64_t& state = orderState();
  if (state == 0) return 0;
  state = state * 6364136223846793005ull + 1442695040888963407ull;
  return state >> 33;
}

inline Stream* createStream() {
  streams.push_back(new Stream);
  return streams.back();
}

/// The default stream, for calls with a null stream.
inline Stream* resolved(Stream* stream) {
  static Stream* standard = createStream();
  return stream ? stream : standard;
}

/// Runs one item of some stream that has one ready; false when no queue has anything. Streams that
/// were created last go first, unless a seed draws.
inline bool step() {
  std::vector<Stream*> ready;
  bool pending = false;
  for (Stream* stream : streams) {
    if (stream->queue.empty()) continue;
    pending = true;
    if (stream->queue.front().isReady()) ready.push_back(stream);
  }
  if (ready.empty()) {
    if (!pending) return false;
    std::fprintf(stderr, "emulation: all streams wait for one another\n");
    std::abort();
  }
  Stream* chosen = orderState() == 0 ? ready.back() : ready[drawOrder() % ready.size()];
  Item item = std::move(chosen->queue.front());
  chosen->queue.pop_front();
  if (item.run) item.run();
  return true;
}

inline void drain(Stream* stream) {
  stream = resolved(stream);
  while (!stream->queue.empty()) step();
}
inline void drainAll() {
  while (step()) {
  }
}
inline void destroyStream(Stream* stream) {
  drain(stream);
  streams.erase(std::find(streams.begin(), streams.end(), stream));
  delete stream;
}

inline void enqueue(Stream* stream, std::function<void()> run) {
  stream = resolved(stream);
  if (stream->capturing) {
    stream->captured.push_back(std::move(run));
  } else {
    stream->queue.push_back({std::move(run), nullptr, 0});
  }
}
inline void record(Stream* stream, Event* event) {
  std::uint64_t generation = ++event->recorded;
  enqueue(stream, [event, generation] {
    event->done = std::max(event->done, generation);
    event->time = std::chrono::steady_clock::now();
  });
}
/// As in CUDA: waits for the latest record before this call; an event never recorded holds nobody up.
inline void wait(Stream* stream, Event* event) {
  if (event->recorded == 0) {
    std::fprintf(stderr, "emulation: a wait for an event that was never recorded\n");
    std::abort();
  }
  // A program that forgets its waits must be found out; a test forgets them all.
  static const bool ignores = std::getenv("EMULATION_IGNORE_WAITS") != nullptr;
  if (ignores) return;
  resolved(stream)->queue.push_back({nullptr, event, event->recorded});
}
inline void synchronise(Event* event) {
  while (event->done < event->recorded) step();
}

}  // namespace emulation
