// SPDX-License-Identifier: GPL-3.0-or-later
// Reads JSON.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace calibration {

/// A JSON value. Asking for what is not there is an error that names it.
class JsonValue {
 public:
  enum class Kind { null, boolean, number, text, array, object };

  Kind kind = Kind::null;
  bool truth = false;
  double real = 0;
  std::string string;
  std::vector<JsonValue> items;
  std::map<std::string, JsonValue> fields;

  const JsonValue* find(const std::string& name) const {
    auto found = fields.find(name);
    return found == fields.end() ? nullptr : &found->second;
  }
  const JsonValue& at(const std::string& name) const {
    const JsonValue* found = find(name);
    if (!found) throw std::runtime_error("the key " + name + " is missing");
    return *found;
  }
  std::int64_t integer(const std::string& name) const {
    const JsonValue& value = at(name);
    if (value.kind != Kind::number || value.real != double(std::int64_t(value.real))) {
      throw std::runtime_error(name + " is not a whole number");
    }
    return std::int64_t(value.real);
  }
  std::int64_t integer(const std::string& name, std::int64_t otherwise) const {
    const JsonValue* value = find(name);
    return value && value->kind != Kind::null ? integer(name) : otherwise;
  }
  const std::string& text(const std::string& name) const {
    const JsonValue& value = at(name);
    if (value.kind != Kind::text) throw std::runtime_error(name + " is not a text");
    return value.string;
  }
  const std::vector<JsonValue>& array(const std::string& name) const {
    const JsonValue& value = at(name);
    if (value.kind != Kind::array) throw std::runtime_error(name + " is not a list");
    return value.items;
  }
};

class JsonParser {
 public:
  explicit JsonParser(const std::string& text) : text(text) {}

  /// The whole text as one value.
  JsonValue parse() {
    JsonValue result = value(0);
    space();
    if (position != text.size()) fail("more than one value");
    return result;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error("character " + std::to_string(position + 1) + ": " + what);
  }
  void space() {
    while (position < text.size() && std::string(" \t\r\n").find(text[position]) != std::string::npos)
      ++position;
  }
  bool take(char character) {
    space();
    if (position >= text.size() || text[position] != character) return false;
    ++position;
    return true;
  }
  void expect(const std::string& word) {
    if (text.compare(position, word.size(), word) != 0) fail(word + " is expected");
    position += word.size();
  }

  JsonValue value(int depth) {
    if (depth > 64) fail("too deeply nested");
    space();
    if (position >= text.size()) fail("a value is expected");
    JsonValue result;
    switch (text[position]) {
      case '{': return object(depth);
      case '[': return array(depth);
      case '"':
        result.kind = JsonValue::Kind::text;
        result.string = characters();
        return result;
      case 't':
      case 'f':
        result.kind = JsonValue::Kind::boolean;
        result.truth = text[position] == 't';
        expect(result.truth ? "true" : "false");
        return result;
      case 'n': expect("null"); return result;
      default: break;
    }
    const char* begin = text.c_str() + position;
    char* end = nullptr;
    result.kind = JsonValue::Kind::number;
    result.real = std::strtod(begin, &end);
    if (end == begin) fail("a value is expected");
    position += std::size_t(end - begin);
    return result;
  }

  JsonValue object(int depth) {
    JsonValue result;
    result.kind = JsonValue::Kind::object;
    take('{');
    if (take('}')) return result;
    do {
      space();
      if (position >= text.size() || text[position] != '"') fail("a key is expected");
      std::string name = characters();
      if (!take(':')) fail("a colon is expected");
      result.fields[name] = value(depth + 1);
    } while (take(','));
    if (!take('}')) fail("a closing brace is expected");
    return result;
  }

  JsonValue array(int depth) {
    JsonValue result;
    result.kind = JsonValue::Kind::array;
    take('[');
    if (take(']')) return result;
    do result.items.push_back(value(depth + 1));
    while (take(','));
    if (!take(']')) fail("a closing bracket is expected");
    return result;
  }

  std::string characters() {
    std::string result;
    ++position;
    while (position < text.size() && text[position] != '"') {
      char character = text[position++];
      if (character == '\\') {
        if (position >= text.size()) break;
        character = text[position++];
        switch (character) {
          case 'n': character = '\n'; break;
          case 't': character = '\t'; break;
          case 'r': character = '\r'; break;
          case 'b': character = '\b'; break;
          case 'f': character = '\f'; break;
          case 'u': {
            if (position + 4 > text.size()) fail("four digits are expected");
            unsigned code = unsigned(std::stoul(text.substr(position, 4), nullptr, 16));
            position += 4;
            if (code >= 0x800) {
              result += char(0xE0 | (code >> 12));
              result += char(0x80 | ((code >> 6) & 63));
              character = char(0x80 | (code & 63));
            } else if (code >= 0x80) {
              result += char(0xC0 | (code >> 6));
              character = char(0x80 | (code & 63));
            } else {
              character = char(code);
            }
            break;
          }
          default: break;
        }
      }
      result += character;
    }
    if (position >= text.size()) fail("a text without end");
    ++position;
    return result;
  }

  const std::string& text;
  std::size_t position = 0;
};

inline JsonValue parsedJson(const std::string& text) { return JsonParser(text).parse(); }

}  // namespace calibration
