// SPDX-License-Identifier: GPL-3.0-or-later
// Products of few rows with quantised weights, which are expanded in registers.
//
// Weights are n x k, row by row. Each group of 128 along k has a bf16 factor. int4: byte j of a row
// holds the values 2j (low four bits) and 2j + 1 (high), stored with 8 added. int8: signed bytes.
#pragma once

#include "basic.cuh"

namespace calibration {

constexpr int quantisationGroup = 128;

/// The value of four bits with 8 added, by the mantissa of 2^23 + bits.
__device__ inline float int4Value(std::uint32_t bits) {
  return __uint_as_float(0x4B000000u | bits) - 8388616.0f;
}

template <int Bits>
struct QuantisedWord;

template <>
struct QuantisedWord<4> {
  static constexpr int values = 8;
  __device__ static float value(std::uint32_t word, int i) {
    return int4Value((word >> (4 * i)) & 15u);
  }
};

template <>
struct QuantisedWord<8> {
  static constexpr int values = 4;
  __device__ static float value(std::uint32_t word, int i) {
    // Adding 128 to a signed byte flips its top bit.
    return __uint_as_float(0x4B000000u | (((word >> (8 * i)) & 255u) ^ 128u)) - 8388736.0f;
  }
};

/// y (Rows x n) = x (Rows x k) * W^T. One warp an output, 4 warps a block; each lane reads 16 bytes of
/// weights at a time. `k` is a multiple of 128.
template <int Bits, int Rows>
[[maybe_unused]] static __global__ void quantisedProduct(
    __nv_bfloat16* y, const __nv_bfloat16* x, const uint4* weights, const __nv_bfloat16* factors,
    int n, int k) {
  using Word = QuantisedWord<Bits>;
  constexpr int perLane = 4 * Word::values;
  int output = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  int lane = threadIdx.x % 32;
  if (output >= n) return;
  const uint4* row = weights + std::size_t(output) * (k / perLane);
  const __nv_bfloat16* rowFactors = factors + std::size_t(output) * (k / quantisationGroup);
  float sums[Rows];
#pragma unroll
  for (int r = 0; r < Rows; ++r) sums[r] = 0;
  for (int at = lane; at < k / perLane; at += 32) {
    uint4 packed = __ldg(row + at);
    float factor = __bfloat162float(rowFactors[at * perLane / quantisationGroup]);
    std::uint32_t words[4] = {packed.x, packed.y, packed.z, packed.w};
    float partial[Rows];
#pragma unroll
    for (int r = 0; r < Rows; ++r) partial[r] = 0;
#pragma unroll
    for (int w = 0; w < 4; ++w) {
      std::size_t column = std::size_t(at) * perLane + w * Word::values;
#pragma unroll
      for (int r = 0; r < Rows; ++r) {
        const uint2* input = reinterpret_cast<const uint2*>(x + std::size_t(r) * k + column);
#pragma unroll
        for (int q = 0; q < Word::values / 4; ++q) {
          uint2 four = __ldg(input + q);
          partial[r] += Word::value(words[w], 4 * q) * lowBf16(four.x);
          partial[r] += Word::value(words[w], 4 * q + 1) * highBf16(four.x);
          partial[r] += Word::value(words[w], 4 * q + 2) * lowBf16(four.y);
          partial[r] += Word::value(words[w], 4 * q + 3) * highBf16(four.y);
        }
      }
    }
#pragma unroll
    for (int r = 0; r < Rows; ++r) sums[r] += factor * partial[r];
  }
#pragma unroll
  for (int r = 0; r < Rows; ++r) {
    float sum = warpSum(sums[r]);
    if (lane == 0) y[std::size_t(r) * n + output] = __float2bfloat16(sum);
  }
}

}  // namespace calibration
