// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of a model that stay on the device, and the launches of a layer. Weights are drawn, so
// what is computed has no meaning but is always the same.
//
// What a step computes: embedding; per layer norm, QKV product, append to the cache, attention of one
// token a sequence, output product, norm, gate; shared experts; experts; at the end norm and head.
// Positions are not rotated. The feed-forward networks of layers without experts are left out, since
// logs do not tell their width.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "../device/blas.h"
#include "../device/decode_attention.h"
#include "../host/decision_log.h"
#include "../kernels/gate.cuh"
#include "../kernels/rows.cuh"

namespace calibration {

struct RehearsalSize {
  int tokens = 1;      // rows of a step at most
  int sequences = 1;   // sequences of a step at most
  int capacity = 1;    // positions of a sequence at most
};

class RehearsedModel {
 public:
  RehearsedModel(
      const DecisionHeader& header, RehearsalSize size, int multiprocessors, Blas& blas,
      cudaStream_t stream)
      : header(header), size(size), blas(blas), stream(stream), hidden(header.hidden) {
    std::int64_t layers = header.layers, heads = header.heads, kvHeads = header.kvHeads;
    std::int64_t rows = (heads + 2 * kvHeads) * header.headSize, out = heads * header.headSize;
    rowValues = rows;
    hasAttention = header.heads > 0 && DecodeAttention::supports(header.headSize);
    std::size_t weights = std::size_t(header.experts) * hidden * header.mixtures() +
                          std::size_t(3) * header.sharedWidth * hidden * header.mixtures() +
                          std::size_t(2) * header.vocabulary * hidden + std::size_t(hidden);
    if (hasAttention) weights += std::size_t(layers) * (rows + out) * hidden;
    pool = DeviceBuffer<__nv_bfloat16>(weights);
    launch(
        fillDrawn, fillBlocks(weights), 256, 0, stream, pool.data(), std::uint64_t(weights), 101u,
        0.05f);
    std::size_t next = 0;
    auto part = [&](std::size_t values) {
      __nv_bfloat16* pointer = pool.data() + next;
      next += values;
      return pointer;
    };
    gain = part(std::size_t(hidden));
    // Norms leave values about 1, so that every sublayer adds about as much as there is: an expert that
    // is computed from wrong weights must show in the result.
    std::vector<std::uint16_t> gains;
    for (int i = 0; i < hidden; ++i) gains.push_back(bf16Bits(1 + drawnValue(std::uint64_t(i), 109, 0.25f)));
    require(cudaStreamSynchronize(stream), "the model's values");
    require(
        cudaMemcpy(gain, gains.data(), gains.size() * 2, cudaMemcpyHostToDevice), "the norms' gains");
    embeddings = part(std::size_t(header.vocabulary) * hidden);
    headWeights = part(std::size_t(header.vocabulary) * hidden);
    for (int layer = 0; layer < header.mixtures(); ++layer) {
      routers.push_back(part(std::size_t(header.experts) * hidden));
      shared.push_back(part(std::size_t(3) * header.sharedWidth * hidden));
    }
    std::size_t count = std::size_t(size.tokens);
    if (hasAttention) {
      for (int layer = 0; layer < layers; ++layer) {
        qkvWeights.push_back(part(std::size_t(rows * hidden)));
        outWeights.push_back(part(std::size_t(out * hidden)));
      }
      cacheHalf = std::size_t(size.sequences) * kvHeads * size.capacity * header.headSize;
      cache = DeviceBuffer<__nv_bfloat16>(2 * cacheHalf * layers);
      launch(
          fillDrawn, fillBlocks(cache.size()), 256, 0, stream, cache.data(),
          std::uint64_t(cache.size()), 103u, 1.0f);
      AttentionShape shape{size.sequences, header.heads, header.kvHeads, header.headSize};
      decode = std::make_unique<DecodeAttention>(shape, size.capacity, multiprocessors);
      qkv = DeviceBuffer<__nv_bfloat16>(count * rows);
      q = DeviceBuffer<__nv_bfloat16>(count * out);
      attended = DeviceBuffer<__nv_bfloat16>(count * out);
      clear(attended.data(), attended.size() * 2);
    }
    std::int64_t widest = std::max(header.width, header.sharedWidth);
    x = DeviceBuffer<__nv_bfloat16>(count * hidden);
    y = DeviceBuffer<__nv_bfloat16>(count * hidden);
    residual = DeviceBuffer<__nv_bfloat16>(count * hidden);
    taken = DeviceBuffer<__nv_bfloat16>(count * hidden);
    outputs = DeviceBuffer<__nv_bfloat16>(count * hidden);
    inner = DeviceBuffer<__nv_bfloat16>(count * 2 * widest);
    activated = DeviceBuffer<__nv_bfloat16>(count * widest);
    sums = DeviceBuffer<float>(count * hidden);
    clear(sums.data(), sums.size() * 4);
    scores = DeviceBuffer<float>(count * header.experts);
    gateWeights = DeviceBuffer<float>(count * header.topK);
    chosen = DeviceBuffer<int>(count * header.topK);
    hostChosen = PinnedBuffer(count * header.topK * sizeof(int));
    logits = DeviceBuffer<__nv_bfloat16>(std::size_t(size.sequences) * std::max(1, header.vocabulary));
    hostLengths = PinnedBuffer(std::size_t(size.sequences) * sizeof(int));
    lengths = DeviceBuffer<int>(std::size_t(size.sequences));
    hostTokens = PinnedBuffer(count * sizeof(int));
    tokens = DeviceBuffer<int>(count);
    hostResult = PinnedBuffer(std::size_t(std::min(size.tokens, resultRows)) * hidden * 2);
    require(cudaStreamSynchronize(stream), "the model's values");
  }

  /// Rows of a step whose result is kept.
  static constexpr int resultRows = 16;

  bool computesAttention() const { return hasAttention; }

  /// Takes up a step's rows. The host has waited for the step before.
  void beginStep(const Decision& step) {
    rowCount = step.tokens;
    sequenceCount = int(step.sequences.size());
    longest = 1;
    int* lengthsNow = static_cast<int*>(hostLengths.data());
    int* tokensNow = static_cast<int*>(hostTokens.data());
    int row = 0;
    for (int s = 0; s < sequenceCount; ++s) {
      const DecidedSequence& sequence = step.sequences[std::size_t(s)];
      lengthsNow[s] = sequence.position + sequence.tokens;
      longest = std::max(longest, lengthsNow[s]);
      for (int i = 0; i < sequence.tokens && row < rowCount; ++i, ++row) {
        std::uint64_t place = std::uint64_t(sequence.request) << 32 | unsigned(sequence.position + i);
        tokensNow[row] = int(mixedBits(place, 107) % std::uint32_t(std::max(1, header.vocabulary)));
      }
    }
    for (; row < rowCount; ++row) tokensNow[row] = 0;
    upload(lengths.data(), hostLengths, std::size_t(sequenceCount));
    upload(tokens.data(), hostTokens, std::size_t(rowCount));
    if (header.vocabulary > 0) {
      launch(
          gatherRows, unsigned(rowCount), 256, 0, stream, x.data(), embeddings, tokens.data(),
          hidden);
    }
    clear(residual.data(), std::size_t(rowCount) * hidden * 2);
  }

  /// Norm, and attention of one token of each sequence over its cache, where attention is known.
  void attention(int layer) {
    if (!hasAttention) return;
    normalise();
    int out = header.heads * header.headSize;
    blas.product(rowCount, int(rowValues), hidden, y.data(), qkvWeights[std::size_t(layer)], qkv.data());
    __nv_bfloat16* keys = cache.data() + std::size_t(layer) * 2 * cacheHalf;
    launch(
        appendToCache, unsigned(sequenceCount), 256, 0, stream, q.data(), keys, keys + cacheHalf,
        qkv.data(), lengths.data(), header.heads, header.kvHeads, header.headSize, size.capacity);
    decode->run(
        attended.data(), q.data(), keys, keys + cacheHalf, lengths.data(), sequenceCount, longest,
        size.capacity, stream);
    blas.product(rowCount, hidden, out, attended.data(), outWeights[std::size_t(layer)], x.data());
  }

  /// Norm, the router's product and its choice, on its way to the host. The choice is thrown away: the
  /// log says what was chosen.
  void gate(int mixture) {
    normalise();
    blas.product(
        rowCount, header.experts, hidden, y.data(), routers[std::size_t(mixture)], scores.data(), true);
    int experts = header.experts;
    auto kernel = experts <= 64    ? chooseExperts<2>
                  : experts <= 128 ? chooseExperts<4>
                  : experts <= 256 ? chooseExperts<8>
                  : experts <= 512 ? chooseExperts<16>
                                   : chooseExperts<32>;
    launch(
        kernel, blocksFor(std::size_t(rowCount), 4), 128, 0, stream, chosen.data(),
        gateWeights.data(), scores.data(), rowCount, experts, header.topK);
    require(
        cudaMemcpyAsync(
            hostChosen.data(), chosen.data(), std::size_t(rowCount) * header.topK * sizeof(int),
            cudaMemcpyDeviceToHost, stream),
        "the gate's choice");
  }

  /// One expert for `count` rows from `firstRow` on, added with `weight`.
  void expert(const void* weights, int firstRow, int count, float weight) {
    feedForward(static_cast<const __nv_bfloat16*>(weights), header.width, firstRow, count, weight);
  }
  bool hasShared() const { return header.sharedWidth > 0; }
  void sharedExperts(int mixture) {
    feedForward(shared[std::size_t(mixture)], header.sharedWidth, 0, rowCount, 1);
  }

  void endLayer() {
    std::uint64_t values = std::uint64_t(rowCount) * unsigned(hidden);
    launch(takeSums, blocksFor(values, 256), 256, 0, stream, x.data(), sums.data(), values);
  }

  /// Norm and head; the normed values of the first rows go to the host.
  void head() {
    normalise();
    if (header.vocabulary > 0) {
      blas.product(
          sequenceCount, header.vocabulary, hidden, y.data(), headWeights, logits.data());
    }
    require(
        cudaMemcpyAsync(
            hostResult.data(), y.data(), std::size_t(std::min(rowCount, resultRows)) * hidden * 2,
            cudaMemcpyDeviceToHost, stream),
        "the result");
  }

  /// The values of the last head, once the host has waited for it.
  std::vector<std::uint16_t> result() const {
    const std::uint16_t* values = static_cast<const std::uint16_t*>(hostResult.data());
    return std::vector<std::uint16_t>(
        values, values + std::size_t(std::min(rowCount, resultRows)) * hidden);
  }

 private:
  void clear(void* to, std::size_t bytes) {
    require(cudaMemsetAsync(to, 0, bytes, stream), "zeros");
  }
  void upload(int* to, const PinnedBuffer& from, std::size_t count) {
    require(
        cudaMemcpyAsync(to, from.data(), count * sizeof(int), cudaMemcpyHostToDevice, stream),
        "a step's rows");
  }
  void normalise() {
    launch(
        addAndNormalise, unsigned(rowCount), 256, 0, stream, y.data(), residual.data(), x.data(),
        gain, hidden, 1e-6f);
  }
  void feedForward(
      const __nv_bfloat16* weights, int width, int firstRow, int count, float weight) {
    launch(
        takeRows, unsigned(count), 256, 0, stream, taken.data(), y.data(), firstRow, rowCount,
        hidden);
    blas.product(count, 2 * width, hidden, taken.data(), weights, inner.data());
    std::uint64_t values = std::uint64_t(count) * unsigned(width);
    launch(
        siluMultiply, blocksFor(values, 256), 256, 0, stream, activated.data(), inner.data(), width,
        values);
    blas.product(
        count, hidden, width, activated.data(), weights + std::size_t(2) * width * hidden,
        outputs.data());
    launch(
        addRows, unsigned(count), 256, 0, stream, sums.data(), outputs.data(), weight, firstRow,
        rowCount, hidden);
  }

  const DecisionHeader& header;
  RehearsalSize size;
  Blas& blas;
  cudaStream_t stream;
  int hidden, rowCount = 0, sequenceCount = 0, longest = 1;
  std::int64_t rowValues = 0;
  bool hasAttention = false;
  std::size_t cacheHalf = 0;
  DeviceBuffer<__nv_bfloat16> pool, cache, x, y, residual, qkv, q, attended, taken, inner, activated,
      outputs, logits;
  DeviceBuffer<float> sums, scores, gateWeights;
  DeviceBuffer<int> chosen, lengths, tokens;
  PinnedBuffer hostChosen, hostLengths, hostTokens, hostResult;
  std::unique_ptr<DecodeAttention> decode;
  __nv_bfloat16 *gain = nullptr, *embeddings = nullptr, *headWeights = nullptr;
  std::vector<__nv_bfloat16*> routers, shared, qkvWeights, outWeights;
};

}  // namespace calibration
