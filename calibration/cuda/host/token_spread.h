// SPDX-License-Identifier: GPL-3.0-or-later
// How the tokens of a batch are spread over experts.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace calibration {

/// Which experts each token uses, for `activated` experts numbered from 0.
struct TokenSpread {
  std::int64_t tokens = 0, topK = 0;
  /// Rows of each expert; their sum is tokens * topK.
  std::vector<int> rows;
  /// tokens x topK: the row, among all experts' rows one expert after the other, of each choice.
  std::vector<int> places;
  /// The token of each row.
  std::vector<int> tokenOfRow;
  std::string distribution;

  /// The busiest expert's rows over the mean of all `experts` on the device.
  double loadRatio(std::int64_t experts) const {
    int busiest = *std::max_element(rows.begin(), rows.end());
    return double(busiest) * double(experts) / double(tokens * topK);
  }
};

namespace detail {
/// Numbers rows expert by expert, given the experts of each token.
inline void placeRows(TokenSpread& spread, const std::vector<int>& chosen, std::int64_t activated) {
  spread.rows.assign(std::size_t(activated), 0);
  for (int expert : chosen) ++spread.rows[expert];
  std::vector<int> next(std::size_t(activated), 0);
  for (std::int64_t e = 1; e < activated; ++e) next[e] = next[e - 1] + spread.rows[e - 1];
  spread.places.resize(chosen.size());
  spread.tokenOfRow.resize(chosen.size());
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    int place = next[chosen[i]]++;
    spread.places[i] = place;
    spread.tokenOfRow[place] = int(std::int64_t(i) / spread.topK);
  }
}
}  // namespace detail

/// Every expert gets as many tokens as every other, or one more.
inline TokenSpread balancedSpread(std::int64_t tokens, std::int64_t topK, std::int64_t activated) {
  TokenSpread spread;
  spread.tokens = tokens;
  spread.topK = topK;
  spread.distribution = "balanced";
  std::vector<int> chosen;
  for (std::int64_t i = 0; i < tokens * topK; ++i) chosen.push_back(int(i % activated));
  detail::placeRows(spread, chosen, activated);
  return spread;
}

/// Expert e is asked for in proportion to 1 / (e + 1). Each token takes the `topK` experts that are
/// furthest behind their share, so the counts are as near to it as a token's distinct experts allow.
inline TokenSpread zipfSpread(std::int64_t tokens, std::int64_t topK, std::int64_t activated) {
  TokenSpread spread;
  spread.tokens = tokens;
  spread.topK = topK;
  spread.distribution = "zipf_1";
  std::vector<double> share(static_cast<std::size_t>(activated)), behind(share.size(), 0);
  double total = 0;
  for (std::int64_t e = 0; e < activated; ++e) total += share[e] = 1.0 / double(e + 1);
  std::vector<int> chosen, order(share.size());
  for (std::int64_t t = 0; t < tokens; ++t) {
    for (std::size_t e = 0; e < share.size(); ++e) {
      behind[e] += double(topK) * share[e] / total;
      order[e] = int(e);
    }
    std::stable_sort(
        order.begin(), order.end(), [&](int a, int b) { return behind[a] > behind[b]; });
    for (std::int64_t j = 0; j < topK; ++j) {
      chosen.push_back(order[j]);
      behind[order[j]] -= 1;
    }
  }
  detail::placeRows(spread, chosen, activated);
  return spread;
}

}  // namespace calibration
