// SPDX-License-Identifier: GPL-3.0-or-later
// Shapes of models, from their Hugging Face configurations in models/*.json.
#pragma once

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "json_value.h"

namespace calibration {

struct ModelShape {
  std::string name;
  std::int64_t hidden = 0, width = 0, experts = 0, topK = 0;
  /// Zero where attention is of another kind than grouped queries.
  std::int64_t heads = 0, kvHeads = 0, headSize = 0;

  /// Weights of one gated expert: gate, up, down.
  std::int64_t expertWeights() const { return 3 * hidden * width; }
};

/// Reads the shape from a configuration.
inline ModelShape modelShape(const std::string& name, const JsonValue& outer) {
  const JsonValue* inner = outer.find("text_config");
  const JsonValue& config = inner ? *inner : outer;
  ModelShape shape;
  shape.name = name;
  shape.hidden = config.integer("hidden_size");
  shape.width = config.integer("moe_intermediate_size", config.integer("intermediate_size", 0));
  for (const char* key : {"n_routed_experts", "num_experts", "num_local_experts"}) {
    if (shape.experts == 0) shape.experts = config.integer(key, 0);
  }
  shape.topK = config.integer("num_experts_per_tok");
  if (config.integer("kv_lora_rank", 0) == 0) {
    shape.heads = config.integer("num_attention_heads");
    shape.kvHeads = config.integer("num_key_value_heads", shape.heads);
    shape.headSize = config.integer("head_dim", shape.hidden / shape.heads);
  }
  if (shape.width <= 0 || shape.experts <= 0) {
    throw std::runtime_error(name + " has no experts of known width");
  }
  return shape;
}

/// Reads FOLDER/NAME.json.
inline ModelShape readModelShape(const std::string& folder, const std::string& name) {
  std::string path = folder + "/" + name + ".json";
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path + " (is --models right?)");
  std::stringstream text;
  text << file.rdbuf();
  std::string content = text.str();
  try {
    return modelShape(name, parsedJson(content));
  } catch (const std::exception& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

/// The models whose shapes are measured: few large experts to many small, and what stands between.
inline std::vector<std::string> measuredModels(bool quick) {
  if (quick) return {"mixtral-8x7b", "qwen3-30b-a3b", "gpt-oss-20b"};
  return {"mixtral-8x7b",     "phi-3.5-moe", "qwen2-57b-a14b", "qwen3-30b-a3b",
          "qwen3-235b-a22b",  "olmoe-1b-7b", "deepseek-v2-lite", "deepseek-v3",
          "gpt-oss-20b",      "gpt-oss-120b"};
}

/// Models of no use but to try the programs on a slow machine: among them are all sizes of heads, more
/// query heads to a KV head than a kernel takes at once, and numbers of experts beside powers of two.
inline std::vector<ModelShape> tinyModels() {
  return {{"tiny", 128, 128, 4, 2, 4, 2, 64},
          {"tiny-shared-head", 256, 128, 40, 3, 12, 1, 128},
          {"tiny-many-experts", 128, 256, 130, 5, 2, 2, 256}};
}

}  // namespace calibration
