// SPDX-License-Identifier: GPL-3.0-or-later
// Reads a log of decisions, as `moesim simulate --decisions FILE` writes it; docs/decisions-format.md.
#pragma once

#include <fstream>
#include <istream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "json_value.h"

namespace calibration {

struct DecisionHeader {
  std::string scenario, model, policy, eviction, schedule;
  int hidden = 0, layers = 0, experts = 0, topK = 0, width = 0, sharedWidth = 0;
  int heads = 0, kvHeads = 0, headSize = 0, vocabulary = 0, matrices = 3;
  std::vector<int> mixtureLayers;
  std::string precision;
  std::vector<std::int64_t> expertBytes;
  std::vector<int> slots;
  int stagingBuffers = 0;

  int mixtures() const { return int(mixtureLayers.size()); }
  int slotCount() const {
    int sum = 0;
    for (int count : slots) sum += count;
    return sum;
  }
};

struct DecidedMember {
  int expert = 0, tokens = 0, slot = -1, version = 0;
  double weight = 0;
  std::string found;
};

struct DecidedSequence {
  std::int64_t request = 0;
  int position = 0, tokens = 0, outputs = 0;
};

struct Decision {
  enum class Kind {
    content, step, stepEnd, layer, access, computed, prefetch, dropped, evicted, other
  };
  Kind kind = Kind::other;
  std::int64_t nanoseconds = 0;
  int layer = -1, expert = -1, slot = -1, step = 0, tokens = 0, version = 0;
  std::string why;
  std::vector<int> experts, slots;
  std::vector<DecidedMember> members;
  std::vector<DecidedSequence> sequences;
  /// Layer and expert of those that lost their room.
  std::vector<std::pair<int, int>> evicted;
};

struct DecisionLog {
  DecisionHeader header;
  std::vector<Decision> decisions;
};

namespace detail {

inline DecisionHeader decisionHeader(const JsonValue& line) {
  if (line.text("event") != "header" || line.text("format") != "moesim-decisions") {
    throw std::runtime_error("the first line is no header of a decision log");
  }
  if (line.integer("version") != 1) {
    throw std::runtime_error("version " + std::to_string(line.integer("version")) + "; 1 is known");
  }
  const JsonValue& model = line.at("model");
  auto number = [&](const char* name) { return int(model.integer(name)); };
  DecisionHeader header;
  header.scenario = line.text("scenario");
  header.model = model.text("name");
  header.hidden = number("hidden");
  header.layers = number("layers");
  for (const JsonValue& layer : model.array("moe_layers")) {
    header.mixtureLayers.push_back(int(layer.real));
  }
  header.experts = number("experts");
  header.topK = number("top_k");
  header.width = number("width");
  header.matrices = int(model.integer("matrices", 3));
  header.sharedWidth = int(model.integer("shared_width", 0));
  header.heads = int(model.integer("heads", 0));
  header.kvHeads = int(model.integer("kv_heads", 0));
  header.headSize = int(model.integer("head_size", 0));
  header.vocabulary = int(model.integer("vocabulary", 0));
  header.precision = line.at("precision").text("experts");
  for (const JsonValue& bytes : line.array("expert_bytes")) {
    header.expertBytes.push_back(std::int64_t(bytes.real));
  }
  const JsonValue& cache = line.at("cache");
  for (const JsonValue& count : cache.array("slots")) header.slots.push_back(int(count.real));
  header.stagingBuffers = int(cache.integer("staging_buffers", 2));
  if (const JsonValue* policy = line.find("policy")) {
    for (auto [name, target] : {std::pair{"name", &header.policy},
                                std::pair{"eviction", &header.eviction},
                                std::pair{"schedule", &header.schedule}}) {
      const JsonValue* value = policy->find(name);
      // A role with parameters is a mapping with a name.
      if (value && value->kind == JsonValue::Kind::object) value = value->find("name");
      if (value && value->kind == JsonValue::Kind::text) *target = value->string;
    }
  }
  if (header.mixtures() == 0 || header.experts <= 0 || header.hidden <= 0 || header.width <= 0) {
    throw std::runtime_error("a model without experts");
  }
  return header;
}

inline Decision decision(const JsonValue& line) {
  static const std::pair<const char*, Decision::Kind> kinds[] = {
      {"content", Decision::Kind::content},   {"step", Decision::Kind::step},
      {"step_end", Decision::Kind::stepEnd},  {"layer", Decision::Kind::layer},
      {"access", Decision::Kind::access},     {"computed", Decision::Kind::computed},
      {"prefetch", Decision::Kind::prefetch}, {"dropped", Decision::Kind::dropped},
      {"evicted", Decision::Kind::evicted}};
  Decision result;
  const std::string& event = line.text("event");
  for (auto [name, kind] : kinds) {
    if (event == name) result.kind = kind;
  }
  result.nanoseconds = line.integer("t", 0);
  result.layer = int(line.integer("layer", -1));
  result.expert = int(line.integer("expert", -1));
  result.slot = int(line.integer("slot", -1));
  result.step = int(line.integer("step", 0));
  result.tokens = int(line.integer("tokens", 0));
  result.version = int(line.integer("version", 0));
  if (const JsonValue* why = line.find("why")) result.why = why->string;
  if (result.kind == Decision::Kind::content) {
    for (const JsonValue& expert : line.array("experts")) result.experts.push_back(int(expert.real));
    for (const JsonValue& slot : line.array("slots")) result.slots.push_back(int(slot.real));
    if (result.slots.size() != result.experts.size()) {
      throw std::runtime_error("as many slots as experts are expected");
    }
  }
  const JsonValue* evicted =
      line.find(result.kind == Decision::Kind::evicted ? "experts" : "evicted");
  if (evicted && evicted->kind == JsonValue::Kind::array) {
    for (const JsonValue& item : evicted->items) {
      if (item.kind != JsonValue::Kind::object) continue;
      result.evicted.emplace_back(int(item.integer("layer")), int(item.integer("expert")));
    }
  }
  if (result.kind == Decision::Kind::access) {
    for (const JsonValue& item : line.array("members")) {
      DecidedMember member;
      member.expert = int(item.integer("expert"));
      member.tokens = int(item.integer("tokens"));
      member.slot = int(item.integer("slot", -1));
      member.version = int(item.integer("version", 0));
      if (const JsonValue* weight = item.find("weight")) member.weight = weight->real;
      member.found = item.text("found");
      result.members.push_back(member);
    }
  }
  if (result.kind == Decision::Kind::step) {
    for (const JsonValue& item : line.array("sequences")) {
      DecidedSequence sequence;
      sequence.request = item.integer("request");
      sequence.position = int(item.integer("position"));
      sequence.tokens = int(item.integer("tokens"));
      sequence.outputs = int(item.integer("outputs"));
      result.sequences.push_back(sequence);
    }
  }
  return result;
}

}  // namespace detail

/// Reads a log up to and with step `lastStep` (0: all). Errors name the line.
inline DecisionLog readDecisionLog(std::istream& stream, const std::string& name, int lastStep) {
  DecisionLog log;
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    if (line.empty()) continue;
    try {
      JsonValue value = parsedJson(line);
      if (number == 1) {
        log.header = detail::decisionHeader(value);
        continue;
      }
      Decision decision = detail::decision(value);
      if (decision.layer >= log.header.mixtures()) throw std::runtime_error("a layer out of range");
      if (decision.slot >= log.header.slotCount()) throw std::runtime_error("a slot out of range");
      for (int slot : decision.slots) {
        if (slot >= log.header.slotCount()) throw std::runtime_error("a slot out of range");
      }
      if (decision.expert >= log.header.experts) throw std::runtime_error("an expert out of range");
      for (auto [layer, expert] : decision.evicted) {
        if (layer < 0 || layer >= log.header.mixtures() || expert < 0 ||
            expert >= log.header.experts) {
          throw std::runtime_error("an evicted expert out of range");
        }
      }
      for (const DecidedMember& member : decision.members) {
        if (member.expert < 0 || member.expert >= log.header.experts || member.tokens < 1 ||
            member.slot >= log.header.slotCount()) {
          throw std::runtime_error("a member out of range");
        }
      }
      if (lastStep > 0 && decision.kind == Decision::Kind::step && decision.step > lastStep) break;
      if (decision.kind != Decision::Kind::other) log.decisions.push_back(std::move(decision));
    } catch (const std::exception& error) {
      throw std::runtime_error(name + ":" + std::to_string(number) + ": " + error.what());
    }
  }
  if (log.header.model.empty()) throw std::runtime_error(name + ": an empty log");
  return log;
}

inline DecisionLog readDecisionLog(const std::string& path, int lastStep = 0) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  return readDecisionLog(file, path, lastStep);
}

}  // namespace calibration
