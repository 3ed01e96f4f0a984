// SPDX-License-Identifier: GPL-3.0-or-later
// Weights in a working set that the L2 cache cannot hold.
#pragma once

#include <algorithm>

#include "../kernels/basic.cuh"
#include "runtime.h"

namespace calibration {

/// Drawn bf16 values in device memory. Parts of it are handed out in turn, so that one that comes
/// again has been pushed out of the L2 cache by the others.
class RotatingPool {
 public:
  static constexpr std::uint32_t seed = 7;
  static constexpr float scale = 0.05f;

  /// Room for at least `partBytes`, and for four times the cache, if there is as much.
  RotatingPool(std::size_t partBytes, std::size_t cacheBytes, cudaStream_t stream)
      : elements(poolBytes(partBytes, cacheBytes) / 2) {
    launch(
        fillDrawn, fillBlocks(elements.size()), 256, 0, stream, elements.data(), std::uint64_t(elements.size()), seed,
        scale);
    require(cudaStreamSynchronize(stream), "a pool of weights");
  }

  /// How many parts of `bytes` there are.
  std::size_t parts(std::size_t bytes) const { return elements.size() * 2 / aligned(bytes); }

  /// Where the values of part `number` (modulo their number) begin.
  std::size_t offset(std::size_t number, std::size_t bytes) const {
    return number % parts(bytes) * (aligned(bytes) / 2);
  }
  __nv_bfloat16* part(std::size_t number, std::size_t bytes) const {
    return elements.data() + offset(number, bytes);
  }
  /// The value at an offset, as the device has it.
  static float value(std::size_t at) { return roundedToBf16(drawnValue(at, seed, scale)); }

  /// Whether `bytes` leave room for what else the device must hold.
  static bool fits(std::size_t bytes) { return bytes <= freeDeviceMemory() / 10 * 8; }

 private:
  static std::size_t aligned(std::size_t bytes) { return (bytes + 255) / 256 * 256; }
  static std::size_t poolBytes(std::size_t partBytes, std::size_t cacheBytes) {
    std::size_t wanted = std::max(aligned(partBytes), 4 * cacheBytes + aligned(partBytes));
    std::size_t possible = freeDeviceMemory() / 10 * 8 / 256 * 256;
    return std::max(aligned(partBytes), std::min(wanted, possible));
  }
  DeviceBuffer<__nv_bfloat16> elements;
};

}  // namespace calibration
