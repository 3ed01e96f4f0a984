// SPDX-License-Identifier: GPL-3.0-or-later
// Order statistics of repeated timings.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace calibration {

/// What a row of a table says about repeated timings, in the unit of the samples.
struct Summary {
  double median = 0;
  double minimum = 0;
  double maximum = 0;
  std::size_t count = 0;
  /// Standard error of the median over the median: sqrt(pi/2) * 1.4826 * MAD / sqrt(n), which holds
  /// for normal noise and is not moved by single outliers. Infinite for fewer than three samples.
  double relativeError = INFINITY;
};

/// The middle value, or the mean of the two in the middle. Not empty.
inline double medianOf(std::vector<double> values) {
  std::size_t middle = values.size() / 2;
  std::nth_element(values.begin(), values.begin() + middle, values.end());
  double upper = values[middle];
  if (values.size() % 2 == 1) return upper;
  double lower = *std::max_element(values.begin(), values.begin() + middle);
  return 0.5 * (lower + upper);
}

/// Summarises samples; zeros where there are none.
inline Summary summarise(const std::vector<double>& samples) {
  Summary summary;
  summary.count = samples.size();
  if (samples.empty()) return summary;
  summary.median = medianOf(samples);
  summary.minimum = *std::min_element(samples.begin(), samples.end());
  summary.maximum = *std::max_element(samples.begin(), samples.end());
  if (samples.size() >= 3 && summary.median > 0) {
    std::vector<double> distances;
    distances.reserve(samples.size());
    for (double sample : samples) distances.push_back(std::fabs(sample - summary.median));
    double deviation = 1.4826 * medianOf(distances);
    summary.relativeError =
        std::sqrt(M_PI / 2) * deviation / std::sqrt(double(samples.size())) / summary.median;
  }
  return summary;
}

/// |after / before - 1| of the worst of paired figures; 0 where there are none.
inline double largestDrift(const std::vector<double>& before, const std::vector<double>& after) {
  double worst = 0;
  for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
    if (before[i] > 0) worst = std::max(worst, std::fabs(after[i] / before[i] - 1));
  }
  return worst;
}

}  // namespace calibration
