// SPDX-License-Identifier: GPL-3.0-or-later
// Kernels over rows of bf16 values: norms, activations, permutation of tokens.
#pragma once

#include "basic.cuh"

namespace calibration {

/// y = RMSNorm(x + residual) * gain, and x + residual is kept in `residual`. One block of 256 threads
/// a row; `size` is even.
[[maybe_unused]] static __global__ void addAndNormalise(
    __nv_bfloat16* y, __nv_bfloat16* residual, const __nv_bfloat16* x, const __nv_bfloat16* gain,
    int size, float epsilon) {
  __shared__ float partial[8];
  std::size_t row = std::size_t(blockIdx.x) * size;
  float squares = 0;
  for (int i = threadIdx.x; i < size; i += blockDim.x) {
    float sum = __bfloat162float(x[row + i]) + __bfloat162float(residual[row + i]);
    __nv_bfloat16 kept = __float2bfloat16(sum);
    residual[row + i] = kept;
    float value = __bfloat162float(kept);
    squares += value * value;
  }
  squares = warpSum(squares);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = squares;
  __syncthreads();
  float total = 0;
  for (unsigned warp = 0; warp < blockDim.x / 32; ++warp) total += partial[warp];
  float factor = rsqrtf(total / size + epsilon);
  for (int i = threadIdx.x; i < size; i += blockDim.x) {
    y[row + i] = __float2bfloat16(
        __bfloat162float(residual[row + i]) * factor * __bfloat162float(gain[i]));
  }
}

/// out[r][i] = SiLU(in[r][i]) * in[r][width + i]; `in` has rows of 2 * width.
[[maybe_unused]] static __global__ void siluMultiply(
    __nv_bfloat16* out, const __nv_bfloat16* in, int width, std::uint64_t count) {
  std::uint64_t at = std::uint64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at >= count) return;
  std::uint64_t row = at / width, column = at % width;
  float gate = __bfloat162float(in[row * 2 * width + column]);
  float up = __bfloat162float(in[row * 2 * width + width + column]);
  out[at] = __float2bfloat16(gate / (1 + __expf(-gate)) * up);
}

/// out[r] = in[index[r]]: a look-up of embeddings, or the permutation of tokens to their experts.
/// One block a row.
[[maybe_unused]] static __global__ void gatherRows(
    __nv_bfloat16* out, const __nv_bfloat16* in, const int* index, int size) {
  std::size_t to = std::size_t(blockIdx.x) * size;
  std::size_t from = std::size_t(index[blockIdx.x]) * size;
  for (int i = threadIdx.x; i < size; i += blockDim.x) out[to + i] = in[from + i];
}

/// out[t] = base[t] + the sum over j < k of weights[t][j] * rows[places[t][j]]; without `base`
/// the sum alone. One block a token.
[[maybe_unused]] static __global__ void combineRows(
    __nv_bfloat16* out, const __nv_bfloat16* base, const __nv_bfloat16* rows, const int* places,
    const float* weights, int k, int size) {
  std::size_t token = blockIdx.x;
  for (int i = threadIdx.x; i < size; i += blockDim.x) {
    float sum = base ? __bfloat162float(base[token * size + i]) : 0;
    for (int j = 0; j < k; ++j) {
      std::size_t from = std::size_t(places[token * k + j]) * size;
      sum += weights[token * k + j] * __bfloat162float(rows[from + i]);
    }
    out[token * size + i] = __float2bfloat16(sum);
  }
}

/// out[r] = in[(first + r) % count]: rows of `size` values. One block a row.
[[maybe_unused]] static __global__ void takeRows(
    __nv_bfloat16* out, const __nv_bfloat16* in, int first, int count, int size) {
  std::size_t from = std::size_t((first + int(blockIdx.x)) % count) * size;
  std::size_t to = std::size_t(blockIdx.x) * size;
  for (int i = threadIdx.x; i < size; i += blockDim.x) out[to + i] = in[from + i];
}

/// sums[(first + r) % count] += weight * rows[r]. One block a row, at most `count` rows.
[[maybe_unused]] static __global__ void addRows(
    float* sums, const __nv_bfloat16* rows, float weight, int first, int count, int size) {
  std::size_t to = std::size_t((first + int(blockIdx.x)) % count) * size;
  std::size_t from = std::size_t(blockIdx.x) * size;
  for (int i = threadIdx.x; i < size; i += blockDim.x) {
    sums[to + i] += weight * __bfloat162float(rows[from + i]);
  }
}

/// out = bf16(sums), and sums = 0.
[[maybe_unused]] static __global__ void takeSums(
    __nv_bfloat16* out, float* sums, std::uint64_t count) {
  std::uint64_t at = std::uint64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at >= count) return;
  out[at] = __float2bfloat16(sums[at]);
  sums[at] = 0;
}

/// Splits rows of (heads + 2 kvHeads) * size values into queries, and keys and values that are
/// appended to the cache: row r belongs to sequence r, whose last position
/// is `lengths[r]` - 1. One block a row.
[[maybe_unused]] static __global__ void appendToCache(
    __nv_bfloat16* q, __nv_bfloat16* k, __nv_bfloat16* v, const __nv_bfloat16* in,
    const int* lengths, int heads, int kvHeads, int size, int capacity) {
  const __nv_bfloat16* row = in + std::size_t(blockIdx.x) * (heads + 2 * kvHeads) * size;
  for (int i = threadIdx.x; i < heads * size; i += blockDim.x) {
    q[std::size_t(blockIdx.x) * heads * size + i] = row[i];
  }
  int place = lengths[blockIdx.x] - 1;
  for (int i = threadIdx.x; i < kvHeads * size; i += blockDim.x) {
    std::size_t to =
        ((std::size_t(blockIdx.x) * kvHeads + i / size) * capacity + place) * size + i % size;
    k[to] = row[heads * size + i];
    v[to] = row[(heads + kvHeads) * size + i];
  }
}

}  // namespace calibration
