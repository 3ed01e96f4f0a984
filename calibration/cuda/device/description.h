// SPDX-License-Identifier: GPL-3.0-or-later
// What the device is, and what a row says about where it is from.
#pragma once

#include <ctime>
#include <string>

#include "blas.h"
#include "runtime.h"

namespace calibration {

struct DeviceDescription {
  std::string name;
  int multiprocessors = 0;
  std::size_t memoryBytes = 0;
  std::size_t cacheBytes = 0;
  /// "calibration/cuda, driver 13.0, runtime 13.0, cuBLAS 13.1.0".
  std::string source;
  /// Today, "2026-11-25".
  std::string date;
};

inline std::string dottedVersion(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

/// Describes device `number`, and makes it the current one.
inline DeviceDescription describeDevice(int number) {
  int count = 0;
  cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || count == 0) {
    throw std::runtime_error(
        std::string("no CUDA device (") + cudaGetErrorString(status) + ")");
  }
  if (number < 0 || number >= count) {
    throw std::runtime_error("device " + std::to_string(number) + " of " + std::to_string(count));
  }
  require(cudaSetDevice(number), "the device");
  cudaDeviceProp properties;
  require(cudaGetDeviceProperties(&properties, number), "the device's properties");
  DeviceDescription description;
  description.name = properties.name;
  description.multiprocessors = properties.multiProcessorCount;
  description.memoryBytes = properties.totalGlobalMem;
  description.cacheBytes = std::size_t(properties.l2CacheSize);
  int driver = 0, runtime = 0;
  require(cudaDriverGetVersion(&driver), "the driver's version");
  require(cudaRuntimeGetVersion(&runtime), "the runtime's version");
  description.source = "calibration/cuda, driver " + dottedVersion(driver) + ", runtime " +
                       dottedVersion(runtime) + ", cuBLAS " + blasVersion();
  char today[16];
  std::time_t now = std::time(nullptr);
  std::strftime(today, sizeof today, "%Y-%m-%d", std::gmtime(&now));
  description.date = today;
  return description;
}

}  // namespace calibration
