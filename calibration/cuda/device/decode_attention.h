// SPDX-License-Identifier: GPL-3.0-or-later
// Attention of one token a sequence, with the scratch memory that its parts need.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>

#include "../kernels/attention.cuh"
#include "runtime.h"

namespace calibration {

struct AttentionShape {
  int batch = 1, heads = 1, kvHeads = 1, headSize = 128;
};

class DecodeAttention {
 public:
  DecodeAttention(AttentionShape shape, int longestPast, int multiprocessors)
      : shape(shape), multiprocessors(multiprocessors) {
    if (!supports(shape.headSize)) {
      throw std::runtime_error(
          "heads of " + std::to_string(shape.headSize) + " values; 64, 128 or 256 are supported");
    }
    // Fewer sequences have more parts each.
    std::size_t heads = 0;
    for (int batch = 1; batch <= shape.batch; ++batch) {
      heads = std::max(
          heads, std::size_t(splitsFor(batch, longestPast)) * std::size_t(batch * shape.heads));
    }
    sums = DeviceBuffer<float>(heads * shape.headSize);
    maxima = DeviceBuffer<float>(heads);
    totals = DeviceBuffer<float>(heads);
  }

  static bool supports(std::int64_t headSize) {
    return headSize == 64 || headSize == 128 || headSize == 256;
  }

  /// Writes batch x heads x headSize, for the first `batch` sequences. The cache is batch x kvHeads x
  /// capacity x headSize; `pasts`, on the device, are the tokens of each sequence, at least 1 and
  /// at most `longest`.
  void run(
      __nv_bfloat16* out, const __nv_bfloat16* q, const __nv_bfloat16* k, const __nv_bfloat16* v,
      const int* pasts, int batch, int longest, int capacity, cudaStream_t stream) const {
    int splits = splitsFor(batch, longest);
    int keys = (longest + splits - 1) / splits;
    keys = (keys + attentionTile - 1) / attentionTile * attentionTile;
    splits = std::max(1, (longest + keys - 1) / keys);
    dim3 grid(unsigned(splits), unsigned(shape.kvHeads * headParts()), unsigned(batch));
    float scale = 1 / std::sqrt(float(shape.headSize));
    launch(
        kernel(), grid, attentionThreads, 0, stream, sums.data(), maxima.data(), totals.data(), q, k,
        v, pasts, shape.heads, shape.kvHeads, capacity, keys, scale);
    launch(
        joinSplits, unsigned(batch * shape.heads), unsigned(shape.headSize), 0, stream, out,
        sums.data(), maxima.data(), totals.data(), splits, shape.headSize);
  }

 private:
  using Kernel = void (*)(
      float*, float*, float*, const __nv_bfloat16*, const __nv_bfloat16*, const __nv_bfloat16*,
      const int*, int, int, int, int, float);

  int group() const { return shape.heads / shape.kvHeads; }
  int queriesAtOnce() const { return group() <= 1 ? 1 : group() <= 2 ? 2 : group() <= 4 ? 4 : 8; }
  int headParts() const { return (group() + queriesAtOnce() - 1) / queriesAtOnce(); }

  /// Parts of the cache: enough blocks to fill the device four times, none shorter than two tiles.
  int splitsFor(int batch, int past) const {
    int blocks = batch * shape.kvHeads * headParts();
    int wanted = (4 * multiprocessors + blocks - 1) / blocks;
    int possible = (past + 2 * attentionTile - 1) / (2 * attentionTile);
    return std::max(1, std::min({wanted, possible, 256}));
  }

  template <int Size>
  Kernel kernelOfSize() const {
    switch (queriesAtOnce()) {
      case 1: return attendSplit<Size, 1>;
      case 2: return attendSplit<Size, 2>;
      case 4: return attendSplit<Size, 4>;
      default: return attendSplit<Size, 8>;
    }
  }
  Kernel kernel() const {
    return shape.headSize == 64    ? kernelOfSize<64>()
           : shape.headSize == 128 ? kernelOfSize<128>()
                                   : kernelOfSize<256>();
  }

  AttentionShape shape;
  int multiprocessors;
  DeviceBuffer<float> sums, maxima, totals;
};

}  // namespace calibration
