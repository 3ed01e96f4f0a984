// SPDX-License-Identifier: GPL-3.0-or-later
// The router's choice: the k largest of a token's scores, and their softmax.
#pragma once

#include "basic.cuh"

namespace calibration {

/// One warp a token, 4 warps a block. A lane holds every 32nd of at most 32 * `Items` scores.
/// Equal scores go to the lower number. Weights are the softmax over the chosen.
template <int Items>
[[maybe_unused]] static __global__ void chooseExperts(
    int* chosen, float* weights, const float* scores, int tokens, int experts, int k) {
  int token = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  int lane = threadIdx.x % 32;
  if (token >= tokens) return;
  float values[Items];
#pragma unroll
  for (int i = 0; i < Items; ++i) {
    int expert = i * 32 + lane;
    values[i] = expert < experts ? scores[std::size_t(token) * experts + expert] : -INFINITY;
  }
  float largest = 0, sum = 0;
  for (int rank = 0; rank < k; ++rank) {
    float best = -INFINITY;
    int number = experts;
#pragma unroll
    for (int i = 0; i < Items; ++i) {
      if (values[i] > best) {
        best = values[i];
        number = i * 32 + lane;
      }
    }
    for (int lanes = 16; lanes > 0; lanes /= 2) {
      float other = __shfl_xor_sync(0xFFFFFFFFu, best, lanes);
      int otherNumber = __shfl_xor_sync(0xFFFFFFFFu, number, lanes);
      if (other > best || (other == best && otherNumber < number)) {
        best = other;
        number = otherNumber;
      }
    }
    if (rank == 0) largest = best;
    float weight = __expf(best - largest);
    sum += weight;
    if (lane == 0) {
      chosen[std::size_t(token) * k + rank] = number;
      weights[std::size_t(token) * k + rank] = weight;
    }
#pragma unroll
    for (int i = 0; i < Items; ++i) {
      if (i * 32 + lane == number) values[i] = -INFINITY;
    }
  }
  __syncwarp();
  for (int rank = lane; rank < k; rank += 32) weights[std::size_t(token) * k + rank] /= sum;
}

}  // namespace calibration
