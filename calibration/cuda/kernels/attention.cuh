// SPDX-License-Identifier: GPL-3.0-or-later
// Attention of one token over a KV cache, split along the cache; and the softmax of plain attention.
#pragma once

#include "basic.cuh"

namespace calibration {

constexpr int attentionThreads = 128;
constexpr int attentionTile = 64;

/// One part of the cached tokens of one KV head for at most `Group` of its query heads.
///
/// q: batch x heads x Size. k, v: batch x kvHeads x capacity x Size. Writes, for each head, the sum of
/// exp(score - maximum) * v over the part, that maximum, and the sum of the exponentials.
/// pasts: the cached tokens of each sequence. Grid: (splits, kvHeads * ceil(group / Group), batch), where group = heads / kvHeads.
template <int Size, int Group>
[[maybe_unused]] static __global__ void __launch_bounds__(attentionThreads) attendSplit(
    float* sums, float* maxima, float* totals, const __nv_bfloat16* q, const __nv_bfloat16* k,
    const __nv_bfloat16* v, const int* pasts, int heads, int kvHeads, int capacity,
    int keysPerSplit, float scale) {
  constexpr int lanes = 8;                            // lanes that share a key
  constexpr int keysAtOnce = attentionThreads / lanes;
  constexpr int chunks = Size / (8 * lanes);          // 16-byte pieces of a key for each lane
  constexpr int pairs = Size / 2;                     // threads that cover a value row, two columns each
  constexpr int rowsAtOnce = attentionThreads / pairs;
  __shared__ float queries[Group * Size];
  __shared__ float scores[Group * attentionTile];
  __shared__ float runningMaximum[Group], runningTotal[Group], rescale[Group];
  __shared__ float exchange[attentionThreads * 2];

  int group = heads / kvHeads;
  int parts = (group + Group - 1) / Group;
  int kvHead = blockIdx.y / parts;
  int firstHead = kvHead * group + blockIdx.y % parts * Group;
  int queryCount = min(Group, kvHead * group + group - firstHead);
  int thread = threadIdx.x;
  int begin = blockIdx.x * keysPerSplit;
  int end = min(pasts[blockIdx.z], begin + keysPerSplit);
  std::size_t rows = (std::size_t(blockIdx.z) * kvHeads + kvHead) * capacity;

  for (int i = thread; i < Group * Size; i += attentionThreads) {
    int head = i / Size;
    std::size_t from = (std::size_t(blockIdx.z) * heads + firstHead + head) * Size + i % Size;
    queries[i] = head < queryCount ? scale * __bfloat162float(q[from]) : 0;
  }
  if (thread < Group) {
    runningMaximum[thread] = -INFINITY;
    runningTotal[thread] = 0;
  }
  float accumulated[Group][2];
#pragma unroll
  for (int g = 0; g < Group; ++g) accumulated[g][0] = accumulated[g][1] = 0;
  int column = thread % pairs * 2, rowOffset = thread / pairs;

  for (int tile = begin; tile < end; tile += attentionTile) {
    int count = min(attentionTile, end - tile);
    __syncthreads();
    // Scores: eight lanes a key.
    for (int round = 0; round < attentionTile / keysAtOnce; ++round) {
      int key = round * keysAtOnce + thread / lanes;
      float dots[Group];
#pragma unroll
      for (int g = 0; g < Group; ++g) dots[g] = 0;
      if (key < count) {
        const uint4* row = reinterpret_cast<const uint4*>(k + (rows + tile + key) * Size);
#pragma unroll
        for (int c = 0; c < chunks; ++c) {
          uint4 piece = row[c * lanes + thread % lanes];
          const float* query = queries + (c * lanes + thread % lanes) * 8;
          float values[8] = {lowBf16(piece.x), highBf16(piece.x), lowBf16(piece.y),
                             highBf16(piece.y), lowBf16(piece.z), highBf16(piece.z),
                             lowBf16(piece.w), highBf16(piece.w)};
#pragma unroll
          for (int g = 0; g < Group; ++g) {
#pragma unroll
            for (int i = 0; i < 8; ++i) dots[g] += values[i] * query[g * Size + i];
          }
        }
      }
#pragma unroll
      for (int g = 0; g < Group; ++g) {
        float dot = dots[g];
        for (int step = lanes / 2; step > 0; step /= 2) {
          dot += __shfl_xor_sync(0xFFFFFFFFu, dot, step);
        }
        if (thread % lanes == 0) scores[g * attentionTile + key] = key < count ? dot : -INFINITY;
      }
    }
    __syncthreads();
    // Exponentials: one warp a query.
    for (int g = thread / 32; g < Group; g += attentionThreads / 32) {
      int lane = thread % 32;
      float a = scores[g * attentionTile + lane], b = scores[g * attentionTile + lane + 32];
      float before = runningMaximum[g];
      float maximum = fmaxf(before, warpMaximum(fmaxf(a, b)));
      a = __expf(a - maximum);
      b = __expf(b - maximum);
      scores[g * attentionTile + lane] = a;
      scores[g * attentionTile + lane + 32] = b;
      float total = warpSum(a + b);
      __syncwarp();
      if (lane == 0) {
        rescale[g] = __expf(before - maximum);
        runningTotal[g] = runningTotal[g] * rescale[g] + total;
        runningMaximum[g] = maximum;
      }
    }
    __syncthreads();
    // Values: two columns a thread.
#pragma unroll
    for (int g = 0; g < Group; ++g) {
      accumulated[g][0] *= rescale[g];
      accumulated[g][1] *= rescale[g];
    }
    for (int key = rowOffset; key < count; key += rowsAtOnce) {
      std::uint32_t pair =
          *reinterpret_cast<const std::uint32_t*>(v + (rows + tile + key) * Size + column);
      float low = lowBf16(pair), high = highBf16(pair);
#pragma unroll
      for (int g = 0; g < Group; ++g) {
        float share = scores[g * attentionTile + key];
        accumulated[g][0] += share * low;
        accumulated[g][1] += share * high;
      }
    }
  }

  std::size_t allHeads = std::size_t(gridDim.z) * heads;
#pragma unroll
  for (int g = 0; g < Group; ++g) {
    __syncthreads();
    exchange[thread * 2] = accumulated[g][0];
    exchange[thread * 2 + 1] = accumulated[g][1];
    __syncthreads();
    if (g >= queryCount) continue;
    std::size_t place = blockIdx.x * allHeads + std::size_t(blockIdx.z) * heads + firstHead + g;
    if (rowOffset == 0) {
      float low = 0, high = 0;
      for (int row = 0; row < rowsAtOnce; ++row) {
        low += exchange[(row * pairs + thread) * 2];
        high += exchange[(row * pairs + thread) * 2 + 1];
      }
      sums[place * Size + column] = low;
      sums[place * Size + column + 1] = high;
    }
    if (thread == 0) {
      maxima[place] = runningMaximum[g];
      totals[place] = runningTotal[g];
    }
  }
}

/// Joins the parts. One block of `size` threads a head of a sequence.
[[maybe_unused]] static __global__ void joinSplits(
    __nv_bfloat16* out, const float* sums, const float* maxima, const float* totals, int splits,
    int size) {
  std::size_t head = blockIdx.x, heads = gridDim.x;
  float maximum = -INFINITY;
  for (int s = 0; s < splits; ++s) maximum = fmaxf(maximum, maxima[s * heads + head]);
  float total = 0, sum = 0;
  for (int s = 0; s < splits; ++s) {
    float share = __expf(maxima[s * heads + head] - maximum);
    total += share * totals[s * heads + head];
    sum += share * sums[(s * heads + head) * size + threadIdx.x];
  }
  out[head * size + threadIdx.x] = __float2bfloat16(sum / total);
}

/// The causal softmax of plain attention: scores (rows x columns, single precision) become shares
/// (bf16). Row r belongs to new token r % query, which sees past + r % query + 1 columns. One block of
/// 128 threads a row.
[[maybe_unused]] static __global__ void causalSoftmax(
    __nv_bfloat16* shares, const float* scores, int query, int past, int columns) {
  __shared__ float partial[4];
  const float* row = scores + std::size_t(blockIdx.x) * columns;
  __nv_bfloat16* out = shares + std::size_t(blockIdx.x) * columns;
  int visible = past + int(blockIdx.x % unsigned(query)) + 1;
  int warp = threadIdx.x / 32;
  float maximum = -INFINITY;
  for (int i = threadIdx.x; i < visible; i += blockDim.x) maximum = fmaxf(maximum, row[i]);
  maximum = warpMaximum(maximum);
  if (threadIdx.x % 32 == 0) partial[warp] = maximum;
  __syncthreads();
  maximum = fmaxf(fmaxf(partial[0], partial[1]), fmaxf(partial[2], partial[3]));
  __syncthreads();
  float total = 0;
  for (int i = threadIdx.x; i < visible; i += blockDim.x) total += __expf(row[i] - maximum);
  total = warpSum(total);
  if (threadIdx.x % 32 == 0) partial[warp] = total;
  __syncthreads();
  total = partial[0] + partial[1] + partial[2] + partial[3];
  for (int i = threadIdx.x; i < columns; i += blockDim.x) {
    out[i] = __float2bfloat16(i < visible ? __expf(row[i] - maximum) / total : 0);
  }
}

}  // namespace calibration
