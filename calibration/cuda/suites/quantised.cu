// SPDX-License-Identifier: GPL-3.0-or-later
// Products of few rows with int4 and int8 weights by kernels of our own.
#include "../kernels/quantised.cuh"

#include <set>
#include <tuple>

#include "context.h"

namespace calibration {

namespace {

using Kernel = void (*)(
    __nv_bfloat16*, const __nv_bfloat16*, const uint4*, const __nv_bfloat16*, int, int);

template <int Bits>
Kernel kernelFor(int rows) {
  switch (rows) {
    case 1: return quantisedProduct<Bits, 1>;
    case 2: return quantisedProduct<Bits, 2>;
    case 4: return quantisedProduct<Bits, 4>;
    default: return quantisedProduct<Bits, 8>;
  }
}

/// Random bits as weights, and factors about 0.01, in a working set that the cache cannot hold.
struct QuantisedPool {
  static constexpr std::uint32_t bitSeed = 17, factorSeed = 19;
  DeviceBuffer<std::uint32_t> words;
  DeviceBuffer<__nv_bfloat16> factors;
  std::size_t wordsPerPart, factorsPerPart, parts;

  QuantisedPool(std::int64_t n, std::int64_t k, int bits, std::size_t cache, cudaStream_t stream) {
    wordsPerPart = std::size_t(n * k * bits / 32);
    factorsPerPart = std::size_t(n * k / quantisationGroup);
    parts = 4 * cache / (wordsPerPart * 4) + 2;
    words = DeviceBuffer<std::uint32_t>(parts * wordsPerPart);
    factors = DeviceBuffer<__nv_bfloat16>(parts * factorsPerPart);
    launch(
        fillBits, fillBlocks(words.size()), 256, 0, stream, words.data(),
        std::uint64_t(words.size()), bitSeed);
    launch(
        fillDrawn, fillBlocks(factors.size()), 256, 0, stream, factors.data(),
        std::uint64_t(factors.size()), factorSeed, 0.01f);
  }
  static float weight(std::size_t index, int bits) {
    std::size_t perWord = std::size_t(32 / bits);
    std::uint32_t raw = mixedBits(index / perWord, bitSeed) >> (bits * (index % perWord));
    return bits == 4 ? float(int(raw & 15) - 8) : float(std::int8_t(raw & 255));
  }
  static float factor(std::size_t index) {
    return roundedToBf16(drawnValue(index, factorSeed, 0.01f));
  }
};

void measureShape(Context& context, std::int64_t n, std::int64_t k, int bits) {
  QuantisedPool pool(n, k, bits, context.device.cacheBytes, context.stream);
  DrawnBuffer x(std::size_t(8 * k), 23, 1, context.stream);
  DeviceBuffer<__nv_bfloat16> y(std::size_t(8 * n));
  for (int m : {1, 2, 4, 8}) {
    MeasurementRow row = context.row(m == 1 ? "gemv" : "gemm", "moesim_dequantising");
    row.m = m;
    row.n = n;
    row.k = k;
    row.precision = bits == 4 ? "int4" : "int8";
    row.activationPrecision = "bf16";
    if (context.file.has(row)) continue;
    Kernel kernel = bits == 4 ? kernelFor<4>(m) : kernelFor<8>(m);
    auto run = [&](std::size_t part) {
      part %= pool.parts;
      launch(
          kernel, blocksFor(std::size_t(n), 4), 128, 0, context.stream, y.data(), x.data(),
          reinterpret_cast<const uint4*>(pool.words.data() + part * pool.wordsPerPart),
          pool.factors.data() + part * pool.factorsPerPart, int(n), int(k));
    };
    run(0);
    std::vector<float> all = fetched(y.data(), std::size_t(m * n), context.stream), found, expected;
    for (int r = 0; r < m; ++r) {
      for (std::int64_t column : Context::sampled(n, 64)) {
        found.push_back(all[std::size_t(r * n + column)]);
        expected.push_back(float(dot(
            k, [&](auto i) { return x.value(std::size_t(r * k + i)); },
            [&](auto i) {
              std::size_t index = std::size_t(column * k + i);
              return QuantisedPool::weight(index, bits) *
                     QuantisedPool::factor(index / quantisationGroup);
            })));
      }
    }
    requireClose(row.precision + " product of " + std::to_string(m) + " rows", found, expected);
    context.measure(row, [&] {
      return context.timer.device([&](long long i) { run(std::size_t(i)); });
    });
  }
}

}  // namespace

void measureQuantised(Context& context) {
  std::set<std::tuple<std::int64_t, std::int64_t>> shapes;
  for (const ModelShape& model : context.models) {
    shapes.insert({2 * model.width, model.hidden});
    shapes.insert({model.hidden, model.width});
  }
  for (auto [n, k] : shapes) {
    for (int bits : {4, 8}) {
      if (k % quantisationGroup != 0) {
        context.skip(
            "int" + std::to_string(bits) + " " + std::to_string(n) + " x " + std::to_string(k),
            "the depth is no multiple of the group, 128");
        continue;
      }
      measureShape(context, n, k, bits);
    }
  }
}

}  // namespace calibration
