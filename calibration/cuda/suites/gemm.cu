// SPDX-License-Identifier: GPL-3.0-or-later
// Dense products of bf16 by cuBLAS over a grid of shapes.
#include <set>
#include <tuple>

#include "context.h"

namespace calibration {

namespace {

using Shape = std::tuple<std::int64_t, std::int64_t>;

/// (n, k) of the models' own products, and squares beside them.
std::set<Shape> shapes(const Context& context) {
  std::set<Shape> result;
  for (const ModelShape& model : context.models) {
    result.insert({2 * model.width, model.hidden});
    result.insert({model.hidden, model.width});
    if (model.heads > 0) {
      result.insert({(model.heads + 2 * model.kvHeads) * model.headSize, model.hidden});
      result.insert({model.hidden, model.heads * model.headSize});
    }
  }
  if (context.tiny) return result;
  for (std::int64_t size : {1024, 2048, 4096, 8192}) {
    if (!context.quick || size == 4096) result.insert({size, size});
  }
  if (!context.quick) {
    result.insert({32768, 4096});   // a head of a small vocabulary
    result.insert({151936, 4096});  // and of a large one
  }
  return result;
}

void check(
    Context& context, const RotatingPool& pool, const DrawnBuffer& a,
    const DeviceBuffer<__nv_bfloat16>& c, std::int64_t m, std::int64_t n, std::int64_t k) {
  std::size_t bytes = std::size_t(n) * k * 2;
  context.blas.product(int(m), int(n), int(k), a.data(), pool.part(0, bytes), c.data());
  std::vector<float> found, expected;
  for (std::int64_t row : Context::sampled(m, 3)) {
    std::vector<float> values = fetched(c.data() + row * n, std::size_t(n), context.stream);
    for (std::int64_t column : Context::sampled(n, 64)) {
      found.push_back(values[column]);
      expected.push_back(float(dot(
          k, [&](auto i) { return a.value(std::size_t(row * k + i)); },
          [&](auto i) { return RotatingPool::value(std::size_t(column * k + i)); })));
    }
  }
  requireClose(
      "gemm " + std::to_string(m) + " x " + std::to_string(n) + " x " + std::to_string(k), found,
      expected);
}

}  // namespace

void measureGemm(Context& context) {
  std::vector<std::int64_t> heights = {1,  2,  4,   8,   16,  24,  32,   48,   64,   96,
                                       128, 192, 256, 384, 512, 768, 1024, 2048, 4096, 8192};
  if (context.quick) heights = {1, 4, 16, 64, 256, 1024, 4096};
  if (context.tiny) heights = {1, 5};
  for (const Shape& shape : shapes(context)) {
    std::int64_t n = std::get<0>(shape), k = std::get<1>(shape);
    std::size_t bytes = std::size_t(n) * k * 2;
    std::int64_t tallest = heights.back();
    if (!RotatingPool::fits(bytes + std::size_t(tallest) * (n + k) * 2)) {
      context.skip("gemm " + std::to_string(n) + " x " + std::to_string(k), "too little memory");
      continue;
    }
    DrawnBuffer a(std::size_t(tallest) * k, 11, 1, context.stream);
    DeviceBuffer<__nv_bfloat16> c(std::size_t(tallest) * n);
    RotatingPool pool(bytes, context.device.cacheBytes, context.stream);
    for (std::int64_t m : heights) {
      MeasurementRow row = context.row(m == 1 ? "gemv" : "gemm", "cublas");
      row.m = m;
      row.n = n;
      row.k = k;
      row.precision = "bf16";
      row.activationPrecision = "bf16";
      if (context.file.has(row)) continue;
      check(context, pool, a, c, m, n, k);
      context.measure(row, [&] {
        return context.timer.device([&](long long i) {
          context.blas.product(
              int(m), int(n), int(k), a.data(), pool.part(std::size_t(i), bytes), c.data());
        });
      });
    }
  }
}

}  // namespace calibration
