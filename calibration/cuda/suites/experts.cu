// SPDX-License-Identifier: GPL-3.0-or-later
// Experts in bf16: one alone, and a layer's experts together, over tokens and activated experts.
#include <set>
#include <tuple>

#include "expert_layer.h"

namespace calibration {

namespace {

struct Point {
  std::int64_t tokens, topK, activated;
  bool isSkewed;
};

MeasurementRow shapedRow(
    Context& context, const char* kernel, const char* implementation, const ModelShape& model,
    const Point& point, const TokenSpread& spread, std::int64_t experts) {
  MeasurementRow row = context.row(kernel, implementation);
  row.tokens = point.tokens;
  row.experts = experts;
  row.activated = point.activated;
  row.topK = point.topK;
  row.hidden = model.hidden;
  row.width = model.width;
  row.precision = "bf16";
  row.activationPrecision = "bf16";
  row.distribution = spread.distribution;
  row.loadRatio = spread.loadRatio(experts);
  return row;
}

/// One expert for itself, as an offloading system computes it when it has arrived.
void measureAlone(Context& context, const RotatingPool& pool, const ModelShape& model) {
  std::vector<std::int64_t> counts = {1,  2,  3,   4,   6,   8,   12,  16,   24,   32,  48,
                                      64, 96, 128, 192, 256, 384, 512, 1024, 2048, 4096};
  if (context.quick) counts = {1, 2, 4, 8, 16, 64, 256, 1024, 4096};
  if (context.tiny) counts = {1, 3};
  for (std::int64_t tokens : counts) {
    Point point{tokens, 1, 1, false};
    TokenSpread spread = balancedSpread(tokens, 1, 1);
    MeasurementRow row = shapedRow(context, "fused_experts", "cublas", model, point, spread, 1);
    if (context.file.has(row)) continue;
    ExpertLayer layer(context, pool, model, spread, ExpertProducts::oneByOne);
    layer.check("one expert of " + model.name + " for " + std::to_string(tokens) + " tokens");
    context.measure(row, [&] {
      return context.timer.device([&](long long i) { layer.run(i); }, layer.launches());
    });
  }
}

void measurePoint(
    Context& context, const RotatingPool& pool, const ModelShape& model, const Point& point,
    ExpertProducts products) {
  TokenSpread spread = point.isSkewed ? zipfSpread(point.tokens, point.topK, point.activated)
                                      : balancedSpread(point.tokens, point.topK, point.activated);
  // A skewed spread may leave rare experts without tokens.
  Point actual = point;
  actual.activated = 0;
  for (int rows : spread.rows) actual.activated += rows > 0;
  bool isGrouped = products == ExpertProducts::grouped;
  MeasurementRow whole = shapedRow(
      context, "fused_experts", isGrouped ? "cublas_grouped" : "cublas_loop", model, actual, spread,
      model.experts);
  MeasurementRow one = shapedRow(
      context, "grouped_gemm", "cublas_grouped", model, actual, spread, model.experts);
  one.width.reset();
  one.hidden.reset();
  one.n = 2 * model.width;
  one.k = model.hidden;
  MeasurementRow two = one;
  two.n = model.hidden;
  two.k = model.width;
  bool isDone = context.file.has(whole);
  if (isGrouped) isDone = isDone && context.file.has(one) && context.file.has(two);
  if (isDone) return;

  ExpertLayer layer(context, pool, model, spread, products);
  layer.check(
      model.name + "'s experts for " + std::to_string(point.tokens) + " tokens, " +
      std::to_string(point.activated) + " activated");
  context.measure(whole, [&] {
    return context.timer.device([&](long long i) { layer.run(i); }, layer.launches());
  });
  if (!isGrouped) return;
  context.measure(one, [&] {
    return context.timer.device([&](long long i) { layer.firstProduct(i); }, 3);
  });
  context.measure(two, [&] {
    return context.timer.device([&](long long i) { layer.secondProduct(i); }, 3);
  });
}

std::vector<Point> points(const Context& context, const ModelShape& model) {
  std::vector<std::int64_t> batches = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096};
  if (context.quick) batches = {1, 4, 16, 64, 256, 1024};
  if (context.tiny) batches = {1, 6};
  // Up to 4096 tokens an expert: as many tokens as give each that, 16384 at most.
  if (!context.quick && !context.tiny) {
    for (std::int64_t more : {8192, 16384}) {
      if (more * model.topK / model.experts <= 4096) batches.push_back(more);
    }
  }
  std::set<std::tuple<std::int64_t, std::int64_t, bool>> chosen;
  for (std::int64_t tokens : batches) {
    std::int64_t most = std::min(model.experts, tokens * model.topK);
    for (std::int64_t divisor : {1, 2, 4, 8}) {
      // A token's choices are distinct, so at least topK experts are activated.
      chosen.insert({tokens, std::max(model.topK, most / divisor), false});
    }
    if (tokens >= 16) chosen.insert({tokens, most, true});
  }
  std::vector<Point> result;
  for (auto [tokens, activated, isSkewed] : chosen) {
    result.push_back({tokens, model.topK, activated, isSkewed});
  }
  return result;
}

}  // namespace

void measureExperts(Context& context) {
  for (const ModelShape& model : context.models) {
    std::size_t bytes = std::size_t(model.expertWeights()) * 2;
    std::size_t most = context.tiny ? 6 : context.quick ? 4096 : 16384;
    std::size_t activations =
        most * model.topK * std::size_t(2 * model.hidden + 3 * model.width) * 2;
    std::size_t room = freeDeviceMemory() / 10 * 8;
    if (bytes + activations > room) {
      context.skip("experts of " + model.name, "too little memory");
      continue;
    }
    std::size_t held = std::min(
        bytes * std::size_t(model.experts), (room - activations) / bytes * bytes);
    RotatingPool pool(held, context.device.cacheBytes, context.stream);
    measureAlone(context, pool, model);
    for (const Point& point : points(context, model)) {
      if (std::size_t(point.activated) > pool.parts(bytes)) {
        context.skip(
            model.name + " with " + std::to_string(point.activated) + " activated experts",
            "the device holds " + std::to_string(pool.parts(bytes)));
        continue;
      }
      if (Blas::hasGrouped) {
        measurePoint(context, pool, model, point, ExpertProducts::grouped);
      }
      // A loop over hundreds of experts times the host that launches them; graphs would not.
      if (point.activated <= 16 && !point.isSkewed) {
        measurePoint(context, pool, model, point, ExpertProducts::oneByOne);
      }
    }
  }
}

}  // namespace calibration
