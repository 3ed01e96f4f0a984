// SPDX-License-Identifier: GPL-3.0-or-later
// A timeline in the trace-event format, which Perfetto and Chrome show.
#pragma once

#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "json_text.h"

namespace calibration {

class ChromeTrace {
 public:
  ChromeTrace(std::string process, std::vector<std::string> tracks)
      : process(std::move(process)), tracks(std::move(tracks)) {}

  /// A span on a track, in seconds.
  void add(int track, const std::string& name, double from, double to) {
    JsonObject object;
    object.add("name", name);
    object.add("ph", "X");
    object.add("pid", 1);
    object.add("tid", track + 1);
    object.raw("ts", microseconds(from));
    object.raw("dur", microseconds(to - from));
    events.push_back(object.text());
  }

  void write(const std::string& path) const {
    std::FILE* file = std::fopen(path.c_str(), "w");
    if (!file) throw std::runtime_error("cannot write " + path);
    std::fprintf(file, "{\"traceEvents\": [\n%s", named("process_name", 0, process).c_str());
    for (std::size_t i = 0; i < tracks.size(); ++i) {
      std::fprintf(file, ",\n%s", named("thread_name", int(i) + 1, tracks[i]).c_str());
    }
    for (const std::string& event : events) std::fprintf(file, ",\n%s", event.c_str());
    std::fputs("\n]}\n", file);
    if (std::fclose(file) != 0) throw std::runtime_error("cannot write " + path);
  }

 private:
  static std::string microseconds(double seconds) {
    char text[40];
    std::snprintf(text, sizeof text, "%.3f", seconds * 1e6);
    return text;
  }
  static std::string named(const char* what, int thread, const std::string& name) {
    JsonObject arguments, object;
    arguments.add("name", name);
    object.add("name", what);
    object.add("ph", "M");
    object.add("pid", 1);
    if (thread > 0) object.add("tid", thread);
    object.raw("args", arguments.text());
    return object.text();
  }

  std::string process;
  std::vector<std::string> tracks;
  std::vector<std::string> events;
};

}  // namespace calibration
