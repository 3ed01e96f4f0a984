// SPDX-License-Identifier: GPL-3.0-or-later
// Kernels on the host: the threads of a block are coroutines, one block runs after the other.
#pragma once

#include <ucontext.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __shared__ static
#define __forceinline__ inline
#define __restrict__
#define __launch_bounds__(...)
#define __align__(n) alignas(n)

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

namespace emulation {

std::uint64_t drawOrder();
std::uint64_t& orderState();

constexpr int warpSize = 32;
constexpr std::size_t stackBytes = 128 << 10;

struct Barrier {
  int expected = 0, arrived = 0;
  std::uint64_t generation = 0;
};

struct Block {
  std::vector<ucontext_t> contexts;
  std::vector<std::vector<char>> stacks;
  std::vector<char> finished;
  std::vector<Barrier> warps;
  Barrier all;
  ucontext_t scheduler;
  std::function<void()> body;
  int current = 0;
  bool progressed = false;
  std::vector<std::uint64_t> exchange;
  std::vector<char> dynamicShared;
};

inline Block block;
inline dim3 threadIndex, blockIndex, blockSize, gridSize;

inline void yield() { swapcontext(&block.contexts[block.current], &block.scheduler); }

inline void arrive(Barrier& barrier) {
  std::uint64_t generation = barrier.generation;
  block.progressed = true;
  if (++barrier.arrived >= barrier.expected) {
    barrier.arrived = 0;
    ++barrier.generation;
    return;
  }
  while (barrier.generation == generation) yield();
}

/// A thread that ends is no longer waited for.
inline void leave(Barrier& barrier) {
  --barrier.expected;
  if (barrier.expected > 0 && barrier.arrived >= barrier.expected) {
    barrier.arrived = 0;
    ++barrier.generation;
  }
}

inline void threadMain() {
  block.body();
  int number = block.current;
  block.finished[number] = 1;
  block.progressed = true;
  leave(block.warps[number / warpSize]);
  leave(block.all);
  for (;;) yield();
}

inline void setThread(int number) {
  block.current = number;
  threadIndex.x = number % blockSize.x;
  threadIndex.y = number / blockSize.x % blockSize.y;
  threadIndex.z = number / blockSize.x / blockSize.y;
}

inline void runBlock(int threads) {
  block.warps.assign((threads + warpSize - 1) / warpSize, {});
  for (std::size_t w = 0; w < block.warps.size(); ++w) {
    block.warps[w].expected = std::min(warpSize, threads - int(w) * warpSize);
  }
  block.all = {threads, 0, 0};
  block.finished.assign(threads, 0);
  block.exchange.assign(threads, 0);
  if (int(block.contexts.size()) < threads) {
    block.contexts.resize(threads);
    while (int(block.stacks.size()) < threads) block.stacks.emplace_back(stackBytes);
  }
  for (int t = 0; t < threads; ++t) {
    getcontext(&block.contexts[t]);
    block.contexts[t].uc_stack.ss_sp = block.stacks[t].data();
    block.contexts[t].uc_stack.ss_size = stackBytes;
    block.contexts[t].uc_link = nullptr;
    makecontext(&block.contexts[t], threadMain, 0);
  }
  bool backwards = orderState() != 0 && drawOrder() % 2 == 1;
  for (int left = threads; left > 0;) {
    block.progressed = false;
    left = 0;
    for (int i = 0; i < threads; ++i) {
      int t = backwards ? threads - 1 - i : i;
      if (block.finished[t]) continue;
      setThread(t);
      swapcontext(&block.scheduler, &block.contexts[t]);
      if (!block.finished[t]) ++left;
    }
    if (left > 0 && !block.progressed) {
      std::fprintf(stderr, "emulation: a barrier that some threads never reach\n");
      std::abort();
    }
  }
}

inline void runKernel(
    dim3 grid, dim3 threads, std::size_t sharedBytes, const std::function<void()>& body) {
  if (threads.x * threads.y * threads.z > 1024 || sharedBytes > (227u << 10)) {
    std::fprintf(stderr, "emulation: a launch beyond the limits of a block\n");
    std::abort();
  }
  block.body = body;
  block.dynamicShared.assign(sharedBytes + 16, 0);
  blockSize = threads;
  gridSize = grid;
  for (unsigned z = 0; z < grid.z; ++z)
    for (unsigned y = 0; y < grid.y; ++y)
      for (unsigned x = 0; x < grid.x; ++x) {
        blockIndex = dim3(x, y, z);
        runBlock(int(threads.x * threads.y * threads.z));
      }
}

template <typename Value>
inline Value exchanged(Value value, int source) {
  int base = block.current / warpSize * warpSize, self = block.current;
  static_assert(sizeof(Value) <= 8, "a value of at most 8 bytes");
  std::memcpy(&block.exchange[self], &value, sizeof value);
  arrive(block.warps[self / warpSize]);
  Value result;
  std::memcpy(&result, &block.exchange[base + source % warpSize], sizeof result);
  arrive(block.warps[self / warpSize]);
  return result;
}

}  // namespace emulation

#define threadIdx (emulation::threadIndex)
#define blockIdx (emulation::blockIndex)
#define blockDim (emulation::blockSize)
#define gridDim (emulation::gridSize)
#define EMULATED_SHARED \
  ((void*)((std::uintptr_t(emulation::block.dynamicShared.data()) + 15) / 16 * 16))

inline void __syncthreads() { emulation::arrive(emulation::block.all); }
inline void __syncwarp(unsigned = ~0u) {
  emulation::arrive(emulation::block.warps[emulation::block.current / emulation::warpSize]);
}
template <typename Value>
inline Value __shfl_xor_sync(unsigned, Value value, int lanes) {
  return emulation::exchanged(value, (emulation::block.current % emulation::warpSize) ^ lanes);
}
template <typename Value>
inline Value __shfl_sync(unsigned, Value value, int lane) {
  return emulation::exchanged(value, lane);
}
inline float __uint_as_float(unsigned bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}
inline unsigned __float_as_uint(float value) {
  unsigned bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}
inline float __expf(float value) { return std::exp(value); }
inline float rsqrtf(float value) { return 1.0f / std::sqrt(value); }
inline float __fdividef(float a, float b) { return a / b; }
template <typename Value>
inline Value __ldg(const Value* pointer) { return *pointer; }
inline void __nanosleep(unsigned) {}
inline long long clock64() {
  static long long ticks = 0;
  return ticks += 1000000;
}
inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }
