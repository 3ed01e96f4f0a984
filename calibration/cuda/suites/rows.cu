// SPDX-License-Identifier: GPL-3.0-or-later
// Gate, norms and embeddings.
#include <algorithm>
#include <cmath>
#include <set>

#include "../kernels/gate.cuh"
#include "../kernels/rows.cuh"
#include "context.h"

namespace calibration {

namespace {

std::vector<std::int64_t> batches(const Context& context) {
  if (context.tiny) return {1, 5};
  if (context.quick) return {1, 16, 256, 4096};
  return {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192};
}

using GateKernel = void (*)(int*, float*, const float*, int, int, int);

GateKernel gateKernel(std::int64_t experts) {
  return experts <= 32    ? chooseExperts<1>
         : experts <= 64  ? chooseExperts<2>
         : experts <= 128 ? chooseExperts<4>
         : experts <= 256 ? chooseExperts<8>
         : experts <= 512 ? chooseExperts<16>
                          : chooseExperts<32>;
}

template <typename Element>
std::vector<Element> downloaded(const DeviceBuffer<Element>& buffer, cudaStream_t stream) {
  require(cudaStreamSynchronize(stream), "a result");
  std::vector<Element> values(buffer.size());
  require(
      cudaMemcpy(
          values.data(), buffer.data(), values.size() * sizeof(Element), cudaMemcpyDeviceToHost),
      "a result");
  return values;
}

/// Compares what was chosen for each token with the host's choice from the same scores.
void checkChoice(
    const ModelShape& model, const std::vector<float>& scores, const std::vector<int>& chosen,
    const std::vector<float>& weights) {
  std::vector<float> expectedWeights;
  for (std::size_t token = 0; token < scores.size() / std::size_t(model.experts); ++token) {
    auto first = scores.begin() + std::ptrdiff_t(token) * model.experts;
    std::vector<int> expected;
    std::vector<float> weightsOfToken;
    chooseTop({first, first + model.experts}, int(model.topK), expected, weightsOfToken);
    if (!std::equal(
            expected.begin(), expected.end(),
            chosen.begin() + std::ptrdiff_t(token) * model.topK)) {
      throw WrongResult("the gate chooses wrongly for token " + std::to_string(token));
    }
    expectedWeights.insert(expectedWeights.end(), weightsOfToken.begin(), weightsOfToken.end());
  }
  requireClose("the gate's weights", weights, expectedWeights, 1e-4, 1e-4);
}

/// The product with the router's matrix by cuBLAS, then choice and softmax in one kernel.
void measureGate(Context& context, const ModelShape& model, std::int64_t tokens) {
  MeasurementRow row = context.row("gate", "cublas_topk");
  row.tokens = tokens;
  row.experts = model.experts;
  row.topK = model.topK;
  row.hidden = model.hidden;
  row.precision = "bf16";
  row.activationPrecision = "bf16";
  if (context.file.has(row) || model.experts > 1024) return;
  std::size_t bytes = std::size_t(model.experts * model.hidden) * 2;
  RotatingPool pool(bytes, context.device.cacheBytes, context.stream);
  DrawnBuffer x(std::size_t(tokens * model.hidden), 47, 1, context.stream);
  DeviceBuffer<float> scores(std::size_t(tokens * model.experts));
  DeviceBuffer<float> weights(std::size_t(tokens * model.topK));
  DeviceBuffer<int> chosen(weights.size());
  auto choose = [&] {
    launch(
        gateKernel(model.experts), blocksFor(std::size_t(tokens), 4), 128, 0, context.stream,
        chosen.data(), weights.data(), scores.data(), int(tokens), int(model.experts),
        int(model.topK));
  };
  auto run = [&](std::size_t part) {
    context.blas.product(
        int(tokens), int(model.experts), int(model.hidden), x.data(), pool.part(part, bytes),
        scores.data(), true);
    choose();
  };
  run(0);
  std::vector<float> foundScores = downloaded(scores, context.stream);
  // The choice is checked from the device's own scores: other sums may order near ties otherwise.
  checkChoice(model, foundScores, downloaded(chosen, context.stream), downloaded(weights, context.stream));
  // Whole numbers bring ties, which random scores do not.
  std::vector<float> coarse;
  for (float score : foundScores) coarse.push_back(std::round(score));
  require(
      cudaMemcpy(scores.data(), coarse.data(), coarse.size() * 4, cudaMemcpyHostToDevice), "scores");
  choose();
  checkChoice(model, coarse, downloaded(chosen, context.stream), downloaded(weights, context.stream));
  std::vector<float> sampled, sampledExpected;
  for (std::int64_t expert : Context::sampled(model.experts, 16)) {
    std::int64_t token = tokens - 1;
    sampled.push_back(foundScores[std::size_t(token * model.experts + expert)]);
    sampledExpected.push_back(float(dot(
        model.hidden, [&](auto i) { return x.value(std::size_t(token * model.hidden + i)); },
        [&](auto i) { return RotatingPool::value(std::size_t(expert * model.hidden + i)); })));
  }
  requireClose("the gate's product", sampled, sampledExpected);
  context.measure(row, [&] {
    return context.timer.device([&](long long i) { run(std::size_t(i)); }, 2);
  });
}

void measureNorm(Context& context, std::int64_t hidden, std::int64_t tokens) {
  MeasurementRow row = context.row("elementwise", "moesim_add_rmsnorm");
  row.tokens = tokens;
  row.hidden = hidden;
  row.precision = "bf16";
  if (context.file.has(row)) return;
  std::size_t count = std::size_t(tokens * hidden);
  std::size_t parts = std::min<std::size_t>(64, 4 * context.device.cacheBytes / (count * 6) + 2);
  DrawnBuffer x(count * parts, 53, 1, context.stream), gain(std::size_t(hidden), 59, 1, context.stream);
  DrawnBuffer residual(count * parts, 61, 1, context.stream);
  DeviceBuffer<__nv_bfloat16> y(count * parts);
  auto run = [&](std::size_t part) {
    std::size_t at = part % parts * count;
    launch(
        addAndNormalise, unsigned(tokens), 256, 0, context.stream, y.data() + at,
        residual.data() + at, x.data() + at, gain.data(), int(hidden), 1e-6f);
  };
  run(0);
  std::size_t last = std::size_t((tokens - 1) * hidden);
  std::vector<float> sum, gains;
  for (std::size_t i = 0; i < std::size_t(hidden); ++i) {
    sum.push_back(roundedToBf16(x.value(last + i) + residual.value(last + i)));
    gains.push_back(gain.value(i));
  }
  requireClose(
      "RMSNorm", fetched(y.data() + last, std::size_t(hidden), context.stream),
      normalised(sum, gains, 1e-6));
  context.measure(row, [&] {
    return context.timer.device([&](long long i) { run(std::size_t(i)); });
  });
}

void measureEmbedding(Context& context, std::int64_t hidden, std::int64_t tokens) {
  MeasurementRow row = context.row("embedding", "moesim_gather");
  row.tokens = tokens;
  row.hidden = hidden;
  row.precision = "bf16";
  if (context.file.has(row)) return;
  std::int64_t vocabulary = context.tiny ? 64 : 32000;
  DrawnBuffer table(std::size_t(vocabulary * hidden), 67, 1, context.stream);
  DeviceBuffer<__nv_bfloat16> out(std::size_t(tokens * hidden));
  std::vector<std::vector<int>> turns(16);
  std::vector<DeviceBuffer<int>> index;
  for (std::size_t turn = 0; turn < turns.size(); ++turn) {
    for (std::int64_t t = 0; t < tokens; ++t) {
      turns[turn].push_back(
          int(mixedBits(turn * 65536 + std::size_t(t), 71) % std::uint32_t(vocabulary)));
    }
    index.push_back(uploaded(turns[turn]));
  }
  auto run = [&](std::size_t turn) {
    launch(
        gatherRows, unsigned(tokens), 256, 0, context.stream, out.data(), table.data(),
        index[turn % turns.size()].data(), int(hidden));
  };
  run(0);
  std::vector<float> expected;
  std::size_t from = std::size_t(turns[0].back()) * std::size_t(hidden);
  for (std::size_t i = 0; i < std::size_t(hidden); ++i) expected.push_back(table.value(from + i));
  requireClose(
      "embedding",
      fetched(out.data() + (tokens - 1) * hidden, std::size_t(hidden), context.stream), expected, 0,
      0);
  context.measure(row, [&] {
    return context.timer.device([&](long long i) { run(std::size_t(i)); });
  });
}

}  // namespace

void measureRows(Context& context) {
  std::set<std::int64_t> sizes;
  for (const ModelShape& model : context.models) sizes.insert(model.hidden);
  for (std::int64_t tokens : batches(context)) {
    for (const ModelShape& model : context.models) measureGate(context, model, tokens);
    for (std::int64_t hidden : sizes) {
      measureNorm(context, hidden, tokens);
      measureEmbedding(context, hidden, tokens);
    }
  }
}

}  // namespace calibration
