// SPDX-License-Identifier: GPL-3.0-or-later
// Whether what the device computed is what the host computes.
#pragma once

#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

namespace calibration {

/// A kernel that computes wrongly must not be timed.
class WrongResult : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Compares values. Each may be off by `relative` of itself and `ofSpread` of the root mean square of
/// all. The defaults allow two roundings to bf16 (2^-9 each) and sums in another order.
inline void requireClose(
    const std::string& name, const std::vector<float>& found, const std::vector<float>& expected,
    double relative = 0.01, double ofSpread = 0.005) {
  if (found.size() != expected.size() || found.empty()) {
    throw WrongResult(name + ": nothing to compare");
  }
  double squares = 0;
  for (float value : expected) squares += double(value) * value;
  double spread = std::sqrt(squares / double(expected.size()));
  if (!(spread > 0)) throw WrongResult(name + ": the expected values are all zero");
  for (std::size_t i = 0; i < found.size(); ++i) {
    double error = std::fabs(double(found[i]) - expected[i]);
    if (!(error <= relative * std::fabs(expected[i]) + ofSpread * spread)) {
      char text[200];
      std::snprintf(
          text, sizeof text, "%s computes wrongly: value %zu is %g, expected %g (error %g)",
          name.c_str(), i, double(found[i]), double(expected[i]), error);
      throw WrongResult(text);
    }
  }
}

}  // namespace calibration
