// SPDX-License-Identifier: GPL-3.0-or-later
// The table under way: each row is written at once, and a later run goes on where one was stopped.
#pragma once

#include <cstdio>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string>

#include "measurement_row.h"

namespace calibration {

/// What tells rows apart: all that stands before the times.
inline std::string rowKey(const std::string& line) { return line.substr(0, line.find(", \"median_s\"")); }

class RowFile {
 public:
  /// Writes to standard output where `path` is "-".
  RowFile(const std::string& path, bool resume) {
    if (path == "-") {
      file = stdout;
      return;
    }
    std::string kept;
    {
      std::ifstream existing(path);
      std::string line;
      if (existing && !resume && existing.peek() != std::ifstream::traits_type::eof()) {
        throw std::runtime_error(path + " exists; --resume goes on with it");
      }
      while (std::getline(existing, line)) {
        // A line that was cut off has no brace at its end, and is left out.
        if (line.empty() || line.back() != '}') continue;
        done.insert(rowKey(line));
        kept += line + "\n";
      }
    }
    file = std::fopen((path + ".part").c_str(), "w");
    bool isWritten = file && std::fputs(kept.c_str(), file) >= 0 && std::fflush(file) == 0;
    if (!isWritten || std::rename((path + ".part").c_str(), path.c_str()) != 0) {
      throw std::runtime_error("cannot write " + path);
    }
  }
  RowFile(const RowFile&) = delete;
  ~RowFile() {
    if (file && file != stdout) std::fclose(file);
  }

  /// Whether this run or an earlier one has this row.
  bool has(const MeasurementRow& row) const { return done.count(rowKey(row.json())) > 0; }
  std::size_t earlier() const { return done.size(); }

  void write(const MeasurementRow& row) {
    std::string line = row.json() + "\n";
    if (std::fputs(line.c_str(), file) < 0 || std::fflush(file) != 0) {
      throw std::runtime_error("cannot write a row");
    }
    done.insert(rowKey(line));
    ++count;
  }
  std::size_t written() const { return count; }

 private:
  std::FILE* file = nullptr;
  std::set<std::string> done;
  std::size_t count = 0;
};

}  // namespace calibration
