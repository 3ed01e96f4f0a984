// SPDX-License-Identifier: GPL-3.0-or-later
// What all suites of measurements share.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "../device/blas.h"
#include "../device/description.h"
#include "../device/pool.h"
#include "../device/runtime.h"
#include "../device/timer.h"
#include "../host/comparison.h"
#include "../host/measurement_row.h"
#include "../host/model_shapes.h"
#include "../host/reference.h"
#include "../host/row_file.h"

namespace calibration {

struct Context {
  DeviceDescription device;
  Stream stream;
  Blas blas;
  Timer timer;
  RowFile& file;
  std::vector<ModelShape> models;
  bool quick = false;
  bool tiny = false;

  Context(DeviceDescription device, TimingPlan plan, RowFile& file)
      : device(std::move(device)), blas(stream), timer(stream, plan), file(file) {}

  MeasurementRow row(const char* kernel, const char* implementation) const {
    MeasurementRow row;
    row.device = device.name;
    row.kernel = kernel;
    row.implementation = implementation;
    row.source = device.source;
    row.date = device.date;
    return row;
  }

  /// Writes a row that `seconds()` times, unless an earlier run has it.
  template <typename Seconds>
  void measure(MeasurementRow row, Seconds seconds) {
    if (file.has(row)) return;
    row.seconds = seconds();
    file.write(row);
    std::string shape = rowKey(row.json());
    shape = shape.substr(shape.find("\"kernel\""));
    std::fprintf(
        stderr, "%6zu  %11.3f us  +-%4.1f %%  %3zu x  %s\n", file.written(),
        row.seconds.median * 1e6, row.seconds.relativeError * 100, row.seconds.count,
        shape.c_str());
  }

  /// Says why something is not measured.
  void skip(const std::string& what, const std::string& why) const {
    std::fprintf(stderr, "left out: %s: %s\n", what.c_str(), why.c_str());
  }

  /// Some of the rows 0 ..< count, the last among them, for checks.
  static std::vector<std::int64_t> sampled(std::int64_t count, std::int64_t wanted) {
    std::vector<std::int64_t> result;
    for (std::int64_t i = 0; i < std::min(count, wanted); ++i) {
      result.push_back(wanted >= count ? i : i * (count - 1) / std::max<std::int64_t>(1, wanted - 1));
    }
    return result;
  }
};

/// bf16 values on the device that are drawn alike on the host.
class DrawnBuffer {
 public:
  DrawnBuffer(std::size_t count, std::uint32_t seed, float scale, cudaStream_t stream)
      : seed(seed), scale(scale), buffer(count) {
    launch(
        fillDrawn, fillBlocks(count), 256, 0, stream, buffer.data(), std::uint64_t(count), seed,
        scale);
  }
  __nv_bfloat16* data() const { return buffer.data(); }
  float value(std::size_t at) const { return roundedToBf16(drawnValue(at, seed, scale)); }

 private:
  std::uint32_t seed;
  float scale;
  DeviceBuffer<__nv_bfloat16> buffer;
};

/// Values of a bf16 buffer of the device, after its stream's work.
inline std::vector<float> fetched(const __nv_bfloat16* from, std::size_t count, cudaStream_t stream) {
  require(cudaStreamSynchronize(stream), "a result");
  std::vector<std::uint16_t> bits(count);
  require(cudaMemcpy(bits.data(), from, count * 2, cudaMemcpyDeviceToHost), "a result");
  std::vector<float> values;
  values.reserve(count);
  for (std::uint16_t value : bits) values.push_back(bf16Value(value));
  return values;
}

template <typename Element>
DeviceBuffer<Element> uploaded(const std::vector<Element>& values) {
  DeviceBuffer<Element> buffer(values.size());
  require(
      cudaMemcpy(
          buffer.data(), values.data(), values.size() * sizeof(Element), cudaMemcpyHostToDevice),
      "an array");
  return buffer;
}

void measureGemm(Context& context);
void measureExperts(Context& context);
void measureQuantised(Context& context);
void measureAttention(Context& context);
void measurePrefill(Context& context);
void measureRows(Context& context);
void measureLaunch(Context& context);
void measureMemory(Context& context);
void measureCopies(Context& context);
void measureOverlap(Context& context);

}  // namespace calibration
