// SPDX-License-Identifier: GPL-3.0-or-later
// Filling, waiting, copying: kernels without arithmetic to speak of.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "../host/number_formats.h"

namespace calibration {

[[maybe_unused]] static __global__ void emptyKernel() {}

/// Nanoseconds of the device's own clock.
__device__ inline unsigned long long deviceNanoseconds() {
#ifdef CALIBRATION_EMULATION
  return (unsigned long long)clock64();
#else
  unsigned long long time;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(time));
  return time;
#endif
}

/// Holds its stream up for a while.
[[maybe_unused]] static __global__ void spinKernel(unsigned nanoseconds) {
  unsigned long long start = deviceNanoseconds();
  while (deviceNanoseconds() - start < nanoseconds) __nanosleep(200);
}

/// values[i] = drawnValue(i, seed, scale).
[[maybe_unused]] static __global__ void fillDrawn(
    __nv_bfloat16* values, std::uint64_t count, std::uint32_t seed, float scale) {
  std::uint64_t stride = std::uint64_t(gridDim.x) * blockDim.x;
  for (std::uint64_t i = std::uint64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += stride) {
    values[i] = __float2bfloat16(drawnValue(i, seed, scale));
  }
}

/// words[i] = mixedBits(i, seed).
[[maybe_unused]] static __global__ void fillBits(std::uint32_t* words, std::uint64_t count, std::uint32_t seed) {
  std::uint64_t stride = std::uint64_t(gridDim.x) * blockDim.x;
  for (std::uint64_t i = std::uint64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += stride) {
    words[i] = mixedBits(i, seed);
  }
}

/// to[i] = from[i], 16 bytes at a time.
[[maybe_unused]] static __global__ void streamCopy(float4* to, const float4* from, std::uint64_t count) {
  std::uint64_t stride = std::uint64_t(gridDim.x) * blockDim.x;
  for (std::uint64_t i = std::uint64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += stride) {
    to[i] = from[i];
  }
}

/// to[i] = a[i] + factor * b[i].
[[maybe_unused]] static __global__ void streamTriad(
    float4* to, const float4* a, const float4* b, float factor, std::uint64_t count) {
  std::uint64_t stride = std::uint64_t(gridDim.x) * blockDim.x;
  for (std::uint64_t i = std::uint64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += stride) {
    float4 x = a[i], y = b[i];
    to[i] = make_float4(
        x.x + factor * y.x, x.y + factor * y.y, x.z + factor * y.z, x.w + factor * y.w);
  }
}

/// The two bf16 of a word.
__device__ inline float lowBf16(std::uint32_t word) { return __uint_as_float(word << 16); }
__device__ inline float highBf16(std::uint32_t word) { return __uint_as_float(word & 0xFFFF0000u); }

/// The sum over the lanes of a warp, for all of them.
__device__ inline float warpSum(float value) {
  for (int lanes = 16; lanes > 0; lanes /= 2) value += __shfl_xor_sync(0xFFFFFFFFu, value, lanes);
  return value;
}
/// The largest over the lanes of a warp, for all of them.
__device__ inline float warpMaximum(float value) {
  for (int lanes = 16; lanes > 0; lanes /= 2) {
    value = fmaxf(value, __shfl_xor_sync(0xFFFFFFFFu, value, lanes));
  }
  return value;
}

}  // namespace calibration
