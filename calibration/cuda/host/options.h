// SPDX-License-Identifier: GPL-3.0-or-later
// Options of the command line: --name VALUE, --name=VALUE, or --name alone.
#pragma once

#include <cstdlib>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace calibration {

class Options {
 public:
  /// `valued` take a value, `flags` do not; anything else is refused.
  Options(
      int count, const char* const* arguments, const std::set<std::string>& valued,
      const std::set<std::string>& flags, bool takesFiles = false) {
    for (int i = 1; i < count; ++i) {
      std::string argument = arguments[i], value;
      if (argument.rfind("--", 0) != 0) {
        if (!takesFiles) throw std::runtime_error("unexpected: " + argument);
        files.push_back(argument);
        continue;
      }
      std::size_t equals = argument.find('=');
      std::string name = argument.substr(2, equals == std::string::npos ? equals : equals - 2);
      if (flags.count(name)) {
        if (equals != std::string::npos) throw std::runtime_error("--" + name + " takes no value");
      } else if (valued.count(name)) {
        if (equals != std::string::npos) {
          value = argument.substr(equals + 1);
        } else if (++i < count) {
          value = arguments[i];
        } else {
          throw std::runtime_error("--" + name + " needs a value");
        }
      } else {
        throw std::runtime_error("unknown option --" + name);
      }
      values[name] = value;
    }
  }

  bool has(const std::string& name) const { return values.count(name) > 0; }
  std::string text(const std::string& name, const std::string& otherwise) const {
    auto found = values.find(name);
    return found == values.end() ? otherwise : found->second;
  }
  double number(const std::string& name, double otherwise) const {
    if (!has(name)) return otherwise;
    const std::string& value = values.at(name);
    char* end = nullptr;
    double result = std::strtod(value.c_str(), &end);
    if (value.empty() || *end != 0) throw std::runtime_error("--" + name + " needs a number");
    return result;
  }
  /// A list with commas.
  std::vector<std::string> list(const std::string& name) const {
    std::vector<std::string> result;
    std::stringstream stream(text(name, ""));
    for (std::string item; std::getline(stream, item, ',');) result.push_back(item);
    return result;
  }

  std::vector<std::string> files;

 private:
  std::map<std::string, std::string> values;
};

}  // namespace calibration
