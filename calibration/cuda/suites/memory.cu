// SPDX-License-Identifier: GPL-3.0-or-later
// The bandwidth of the device's memory: copy and triad by kernels, and the copy engine.
#include "context.h"

namespace calibration {

namespace {

/// Words `count` from `at` on.
std::vector<float> words(const void* from, std::size_t at, std::size_t count) {
  std::vector<float> values(count);
  require(
      cudaMemcpy(
          values.data(), static_cast<const float*>(from) + at, count * 4, cudaMemcpyDeviceToHost),
      "words");
  return values;
}

}  // namespace

void measureMemory(Context& context) {
  std::vector<std::size_t> sizes;
  for (std::size_t bytes = std::size_t(1) << 20; bytes <= std::size_t(4) << 30; bytes *= 4) {
    sizes.push_back(bytes);
  }
  if (context.quick) sizes = {std::size_t(64) << 20, std::size_t(1) << 30};
  if (context.tiny) sizes = {std::size_t(1) << 14};
  for (std::size_t bytes : sizes) {
    if (3 * bytes > freeDeviceMemory() / 10 * 8) {
      context.skip("a stream of " + std::to_string(bytes) + " bytes", "too little memory");
      continue;
    }
    // Pairs of bf16 are single-precision values of the same size, more or less.
    DrawnBuffer a(bytes / 2, 73, 1, context.stream), b(bytes / 2, 79, 1, context.stream);
    DeviceBuffer<__nv_bfloat16> c(bytes / 2);
    auto pointer = [](const auto& buffer) { return reinterpret_cast<float4*>(buffer.data()); };
    std::uint64_t count = bytes / 16;
    unsigned blocks = unsigned(std::min<std::uint64_t>(
        blocksFor(count, 256), std::uint64_t(context.device.multiprocessors) * 16));

    // `bytes` are those of each array; a copy moves twice as many, a triad three times.
    MeasurementRow copy = context.row("stream", "moesim_copy");
    copy.bytes = std::int64_t(bytes);
    auto runCopy = [&](long long) {
      launch(streamCopy, blocks, 256, 0, context.stream, pointer(c), (const float4*)pointer(a), count);
    };
    runCopy(0);
    context.stream.synchronise();
    std::size_t tail = std::min<std::size_t>(bytes / 4, 4096);
    std::size_t from = bytes / 4 - tail;
    std::vector<float> first = words(a.data(), from, tail), second = words(b.data(), from, tail);
    requireClose("the streaming copy", words(c.data(), from, tail), first, 0, 0);
    context.measure(copy, [&] { return context.timer.device(runCopy); });

    MeasurementRow triad = context.row("stream", "moesim_triad");
    triad.bytes = std::int64_t(bytes);
    auto runTriad = [&](long long) {
      launch(
          streamTriad, blocks, 256, 0, context.stream, pointer(c), (const float4*)pointer(a),
          (const float4*)pointer(b), 3.0f, count);
    };
    runTriad(0);
    context.stream.synchronise();
    std::vector<float> expected;
    for (std::size_t i = 0; i < tail; ++i) expected.push_back(first[i] + 3 * second[i]);
    requireClose("the triad", words(c.data(), from, tail), expected, 1e-6, 1e-6);
    context.measure(triad, [&] { return context.timer.device(runTriad); });

    MeasurementRow engine = context.row("copy", "cudaMemcpyAsync");
    engine.bytes = std::int64_t(bytes);
    engine.direction = "d2d";
    engine.streams = 1;
    context.measure(engine, [&] {
      return context.timer.device([&](long long) {
        require(
            cudaMemcpyAsync(
                c.data(), a.data(), bytes, cudaMemcpyDeviceToDevice, context.stream),
            "a copy");
      });
    });
  }
}

}  // namespace calibration
