// SPDX-License-Identifier: GPL-3.0-or-later
// Writes JSON objects, one field after the other.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>

namespace calibration {

/// Text with the escapes that JSON asks for, in quotes.
inline std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (unsigned char character : text) {
    char buffer[8];
    switch (character) {
      case '"': result += "\\\""; break;
      case '\\': result += "\\\\"; break;
      case '\n': result += "\\n"; break;
      case '\t': result += "\\t"; break;
      default:
        if (character < 0x20) {
          std::snprintf(buffer, sizeof buffer, "\\u%04x", character);
          result += buffer;
        } else {
          result += char(character);
        }
    }
  }
  return result + "\"";
}

/// An object under construction.
class JsonObject {
 public:
  void add(const char* name, const std::string& value) { raw(name, quoted(value)); }
  void add(const char* name, const char* value) { raw(name, quoted(value)); }
  void add(const char* name, bool value) { raw(name, value ? "true" : "false"); }
  void add(const char* name, std::int64_t value) { raw(name, std::to_string(value)); }
  void add(const char* name, int value) { add(name, std::int64_t(value)); }
  void add(const char* name, std::size_t value) { raw(name, std::to_string(value)); }
  /// A number of nine significant digits; `null` where it is not finite.
  void add(const char* name, double value) {
    char buffer[40];
    std::snprintf(buffer, sizeof buffer, "%.9g", value);
    raw(name, std::isfinite(value) ? buffer : "null");
  }
  /// A value that is JSON already.
  void raw(const char* name, const std::string& value) {
    if (!body.empty()) body += ", ";
    body += quoted(name) + ": " + value;
  }
  std::string text() const { return "{" + body + "}"; }

 private:
  std::string body;
};

}  // namespace calibration
