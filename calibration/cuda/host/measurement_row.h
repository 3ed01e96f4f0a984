// SPDX-License-Identifier: GPL-3.0-or-later
// One row of a table of timings. The names are those of KernelMeasurement.CodingKeys in
// Sources/Calibration/Timings/KernelMeasurement.swift, and tests/check_rows.py holds them to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "json_text.h"
#include "statistics.h"

namespace calibration {

/// A kernel, its shape, and how long it took [s]. What does not apply is left out of the file.
struct MeasurementRow {
  using Number = std::optional<std::int64_t>;

  std::string device;
  std::string kernel;
  std::string implementation;
  Number m, n, k;
  Number tokens, experts, activated, topK, hidden, width;
  Number batch, heads, kvHeads, headSize, query, past;
  Number bytes;
  std::string direction;
  std::optional<bool> pinned;
  Number streams;
  std::string precision, activationPrecision, kvPrecision;
  std::string distribution;
  std::optional<double> loadRatio;
  Summary seconds;
  std::string source;
  std::string date;

  /// One line of a JSON Lines file, without the line's end.
  std::string json() const {
    JsonObject object;
    auto text = [&](const char* name, const std::string& value) {
      if (!value.empty()) object.add(name, value);
    };
    auto number = [&](const char* name, const Number& value) {
      if (value) object.add(name, *value);
    };
    text("device", device);
    text("kernel", kernel);
    text("implementation", implementation);
    number("m", m);
    number("n", n);
    number("k", k);
    number("tokens", tokens);
    number("experts", experts);
    number("activated", activated);
    number("top_k", topK);
    number("hidden", hidden);
    number("width", width);
    number("batch", batch);
    number("heads", heads);
    number("kv_heads", kvHeads);
    number("head_size", headSize);
    number("query", query);
    number("past", past);
    number("bytes", bytes);
    text("direction", direction);
    if (pinned) object.add("pinned", *pinned);
    number("streams", streams);
    text("precision", precision);
    text("activation_precision", activationPrecision);
    text("kv_precision", kvPrecision);
    text("distribution", distribution);
    if (loadRatio) object.add("load_ratio", *loadRatio);
    object.add("median_s", seconds.median);
    object.add("min_s", seconds.minimum);
    object.add("max_s", seconds.maximum);
    object.add("repeats", seconds.count);
    text("source", source);
    text("date", date);
    return object.text();
  }
};

}  // namespace calibration
