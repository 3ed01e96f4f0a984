// SPDX-License-Identifier: GPL-3.0-or-later
// What kernels compute, by plain loops in double precision.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "number_formats.h"

namespace calibration {

/// The product of two rows.
template <typename A, typename B>
double dot(std::int64_t size, A a, B b) {
  double sum = 0;
  for (std::int64_t i = 0; i < size; ++i) sum += double(a(i)) * double(b(i));
  return sum;
}

/// SiLU(gate) * up.
inline double siluProduct(double gate, double up) { return gate / (1 + std::exp(-gate)) * up; }

/// One gated expert for one token, with the roundings to bf16 that are between products:
/// gateUp(row, column) has 2 * width rows, down(row, column) has `hidden` rows.
template <typename X, typename GateUp, typename Down>
std::vector<float> expertOutput(
    std::int64_t hidden, std::int64_t width, X x, GateUp gateUp, Down down,
    const std::vector<std::int64_t>& outputs) {
  std::vector<float> inner(static_cast<std::size_t>(width));
  for (std::int64_t w = 0; w < width; ++w) {
    float gate = roundedToBf16(float(dot(hidden, x, [&](auto i) { return gateUp(w, i); })));
    float up = roundedToBf16(float(dot(hidden, x, [&](auto i) { return gateUp(width + w, i); })));
    inner[w] = roundedToBf16(float(siluProduct(gate, up)));
  }
  std::vector<float> result;
  for (std::int64_t h : outputs) {
    result.push_back(
        float(dot(width, [&](auto i) { return inner[i]; }, [&](auto i) { return down(h, i); })));
  }
  return result;
}

/// Attention of one query over `count` keys; k(key, i) and v(key, i).
template <typename Q, typename K, typename V>
std::vector<float> attentionOutput(std::int64_t size, std::int64_t count, Q q, K k, V v) {
  std::vector<double> scores(static_cast<std::size_t>(count));
  double scale = 1 / std::sqrt(double(size));
  for (std::int64_t t = 0; t < count; ++t) {
    scores[t] = scale * dot(size, q, [&](auto i) { return k(t, i); });
  }
  double maximum = *std::max_element(scores.begin(), scores.end()), total = 0;
  for (double& score : scores) total += score = std::exp(score - maximum);
  std::vector<float> result(static_cast<std::size_t>(size));
  for (std::int64_t i = 0; i < size; ++i) {
    double sum = 0;
    for (std::int64_t t = 0; t < count; ++t) sum += scores[t] * double(v(t, i));
    result[i] = float(sum / total);
  }
  return result;
}

/// The k largest scores, equal ones by number; and the softmax over them.
inline void chooseTop(
    const std::vector<float>& scores, int k, std::vector<int>& chosen, std::vector<float>& weights) {
  std::vector<int> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return scores[a] > scores[b]; });
  double total = 0;
  chosen.assign(order.begin(), order.begin() + k);
  weights.clear();
  for (int expert : chosen) total += std::exp(double(scores[expert]) - scores[chosen[0]]);
  for (int expert : chosen) {
    weights.push_back(float(std::exp(double(scores[expert]) - scores[chosen[0]]) / total));
  }
}

/// RMSNorm of a row.
inline std::vector<float> normalised(
    const std::vector<float>& row, const std::vector<float>& gain, double epsilon) {
  double squares = 0;
  for (float value : row) squares += double(value) * value;
  double factor = 1 / std::sqrt(squares / double(row.size()) + epsilon);
  std::vector<float> result;
  for (std::size_t i = 0; i < row.size(); ++i) result.push_back(float(row[i] * factor * gain[i]));
  return result;
}

}  // namespace calibration
