// SPDX-License-Identifier: GPL-3.0-or-later
// All experts of a model in locked host memory.
#pragma once

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "../device/runtime.h"
#include "../kernels/basic.cuh"

namespace calibration {

/// Host memory that is available now [bytes]; 0 where Linux does not say.
inline std::int64_t availableHostMemory() {
  std::ifstream file("/proc/meminfo");
  for (std::string name; file >> name;) {
    std::int64_t kibibytes = 0;
    if (name == "MemAvailable:" && file >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

class HostExperts {
 public:
  /// Where `budget` [bytes] does not hold `count` experts, several share one copy: copies over the link
  /// take as long, and what is computed is still determined by the expert's number.
  HostExperts(std::int64_t count, std::int64_t bytes, std::int64_t budget, cudaStream_t stream)
      : bytes(bytes), distinct(std::max<std::int64_t>(1, std::min(count, budget / bytes))) {
    perBlock = std::max<std::int64_t>(1, (std::int64_t(1) << 30) / bytes);
    DeviceBuffer<__nv_bfloat16> drawn{std::size_t(bytes) / 2};
    for (std::int64_t expert = 0; expert < distinct; ++expert) {
      if (expert % perBlock == 0) {
        blocks.emplace_back(std::size_t(std::min(perBlock, distinct - expert) * bytes));
      }
      launch(
          fillDrawn, fillBlocks(drawn.size()), 256, 0, stream, drawn.data(),
          std::uint64_t(drawn.size()), std::uint32_t(1000 + expert), 0.05f);
      require(
          cudaMemcpyAsync(
              at(expert), drawn.data(), std::size_t(bytes), cudaMemcpyDeviceToHost, stream),
          "an expert's values");
    }
    require(cudaStreamSynchronize(stream), "the experts' values");
  }

  unsigned char* at(std::int64_t expert) const {
    std::int64_t number = expert % distinct;
    return static_cast<unsigned char*>(blocks[std::size_t(number / perBlock)].data()) +
           number % perBlock * bytes;
  }
  std::int64_t distinctExperts() const { return distinct; }

 private:
  std::int64_t bytes, distinct, perBlock;
  std::vector<PinnedBuffer> blocks;
};

}  // namespace calibration
