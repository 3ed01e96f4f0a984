// SPDX-License-Identifier: GPL-3.0-or-later
// A layer's experts in bf16: permutation, products, activation, weighted sum.
#pragma once

#include <memory>

#include "../host/token_spread.h"
#include "../kernels/rows.cuh"
#include "context.h"

namespace calibration {

/// How the products of a layer's experts are launched.
enum class ExpertProducts { oneByOne, grouped };

/// The buffers and launches of one shape and one spread of tokens. Weights of an expert are gate and up
/// (2 width x hidden), then down (hidden x width), in a part of the pool.
class ExpertLayer {
 public:
  ExpertLayer(
      Context& context, const RotatingPool& pool, const ModelShape& model, const TokenSpread& spread,
      ExpertProducts products)
      : context(context), pool(pool), hidden(model.hidden), width(model.width), spread(spread),
        products(products), rows(std::size_t(spread.tokens * spread.topK)),
        bytes(std::size_t(model.expertWeights()) * 2),
        input(std::size_t(spread.tokens * hidden), 13, 1, context.stream),
        permuted(rows * hidden), inner(rows * 2 * width), activated(rows * width),
        outputs(rows * hidden), result(std::size_t(spread.tokens * hidden)),
        tokenOfRow(uploaded(spread.tokenOfRow)), places(uploaded(spread.places)),
        weights(uploaded(std::vector<float>(rows, 1.0f / float(spread.topK)))) {
    // Experts of successive iterations lie in other parts of the pool.
    std::size_t active = spread.rows.size();
    std::size_t needed = 4 * context.device.cacheBytes / (active * bytes) + 2;
    turns = std::max<std::size_t>(1, std::min(needed, pool.parts(bytes) / active));
    if (products == ExpertProducts::grouped) {
      for (std::size_t turn = 0; turn < turns; ++turn) {
        first.push_back(context.blas.prepare(int(2 * width), int(hidden), members(turn, true)));
        second.push_back(context.blas.prepare(int(hidden), int(width), members(turn, false)));
      }
    }
  }

  /// How many launches one run takes, about.
  int launches() const {
    return products == ExpertProducts::grouped ? 8 : 3 + 2 * int(spread.rows.size());
  }

  void firstProduct(long long turn) const {
    if (products == ExpertProducts::grouped) {
      context.blas.grouped(first[std::size_t(turn) % turns]);
      return;
    }
    for (const GroupMember& member : members(std::size_t(turn) % turns, true)) {
      if (member.rows > 0) {
        context.blas.product(
            member.rows, int(2 * width), int(hidden), member.a, member.w, member.c);
      }
    }
  }
  void secondProduct(long long turn) const {
    if (products == ExpertProducts::grouped) {
      context.blas.grouped(second[std::size_t(turn) % turns]);
      return;
    }
    for (const GroupMember& member : members(std::size_t(turn) % turns, false)) {
      if (member.rows > 0) {
        context.blas.product(member.rows, int(hidden), int(width), member.a, member.w, member.c);
      }
    }
  }

  /// The whole layer: tokens to their experts, products, activation, and the sum of a token's outputs.
  void run(long long turn) const {
    permute();
    firstProduct(turn);
    std::uint64_t values = std::uint64_t(rows) * std::uint64_t(width);
    launch(
        siluMultiply, blocksFor(values, 256), 256, 0, context.stream, activated.data(),
        inner.data(), int(width), values);
    secondProduct(turn);
    launch(
        combineRows, unsigned(spread.tokens), 256, 0, context.stream, result.data(),
        (const __nv_bfloat16*)nullptr, outputs.data(), places.data(), weights.data(),
        int(spread.topK), int(hidden));
  }

  void permute() const {
    launch(
        gatherRows, unsigned(rows), 256, 0, context.stream, permuted.data(), input.data(),
        tokenOfRow.data(), int(hidden));
  }

  /// Runs once and compares some outputs of the last token with the host's.
  void check(const std::string& name) const {
    run(0);
    std::int64_t token = spread.tokens - 1;
    std::vector<std::int64_t> columns = Context::sampled(hidden, 48);
    std::vector<float> all =
        fetched(result.data() + token * hidden, std::size_t(hidden), context.stream);
    std::vector<float> found, expected(columns.size(), 0);
    for (std::int64_t column : columns) found.push_back(all[column]);
    for (std::int64_t j = 0; j < spread.topK; ++j) {
      int expert = expertOfRow(spread.places[std::size_t(token * spread.topK + j)]);
      std::size_t base = pool.offset(std::size_t(expert), bytes);
      std::size_t downBase = base + std::size_t(2 * width * hidden);
      std::vector<float> one = expertOutput(
          hidden, width, [&](auto i) { return input.value(std::size_t(token * hidden + i)); },
          [&](auto r, auto i) { return RotatingPool::value(base + std::size_t(r * hidden + i)); },
          [&](auto r, auto i) { return RotatingPool::value(downBase + std::size_t(r * width + i)); },
          columns);
      for (std::size_t i = 0; i < one.size(); ++i) {
        expected[i] += roundedToBf16(one[i]) / float(spread.topK);
      }
    }
    requireClose(name, found, expected, 0.02, 0.02);
  }

 private:
  int expertOfRow(int row) const {
    int expert = 0;
    while (row >= spread.rows[std::size_t(expert)]) row -= spread.rows[std::size_t(expert++)];
    return expert;
  }

  std::vector<GroupMember> members(std::size_t turn, bool isFirst) const {
    std::vector<GroupMember> result;
    std::size_t row = 0, active = spread.rows.size();
    for (std::size_t e = 0; e < active; ++e) {
      __nv_bfloat16* part = pool.part(turn * active + e, bytes);
      GroupMember member;
      member.rows = spread.rows[e];
      member.w = isFirst ? part : part + 2 * width * hidden;
      member.a = isFirst ? permuted.data() + row * hidden : activated.data() + row * width;
      member.c = isFirst ? (void*)(inner.data() + row * 2 * width)
                         : (void*)(outputs.data() + row * hidden);
      result.push_back(member);
      row += std::size_t(spread.rows[e]);
    }
    return result;
  }

  Context& context;
  const RotatingPool& pool;
  std::int64_t hidden, width;
  TokenSpread spread;
  ExpertProducts products;
  std::size_t rows, bytes, turns = 1;
  DrawnBuffer input;
  DeviceBuffer<__nv_bfloat16> permuted, inner, activated, outputs, result;
  DeviceBuffer<int> tokenOfRow, places;
  DeviceBuffer<float> weights;
  std::vector<PreparedGroup> first, second;
};

}  // namespace calibration
