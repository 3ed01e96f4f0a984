// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of what needs no GPU: statistics, rows, JSON, spreads, decision logs, places of experts.
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>

#include "../host/chrome_trace.h"
#include "../host/comparison.h"
#include "../host/decision_log.h"
#include "../host/expert_places.h"
#include "../host/measurement_row.h"
#include "../host/model_shapes.h"
#include "../host/number_formats.h"
#include "../host/options.h"
#include "../host/reference.h"
#include "../host/row_file.h"
#include "../host/statistics.h"
#include "../host/token_spread.h"

using namespace calibration;

static int failures = 0, passed = 0;

static void expect(bool holds, const char* what, int line) {
  ++(holds ? passed : failures);
  if (!holds) std::printf("tests/host_tests.cpp:%d: %s\n", line, what);
}
#define EXPECT(condition) expect((condition), #condition, __LINE__)

/// The message of what is thrown, or nothing.
static std::string thrown(const std::function<void()>& body) {
  try {
    body();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

/// A name for a file that is this process's own.
static std::string temporary() {
  const char* folder = std::getenv("TMPDIR");
  return std::string(folder ? folder : "/tmp") + "/moesim-host-tests-" + std::to_string(getpid());
}

static bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

static void testStatistics() {
  Summary odd = summarise({5, 1, 9, 3, 2});
  EXPECT(odd.median == 3 && odd.minimum == 1 && odd.maximum == 9 && odd.count == 5);
  EXPECT(summarise({4, 2}).median == 3);
  EXPECT(summarise({}).count == 0);
  EXPECT(std::isinf(summarise({1, 2}).relativeError));
  EXPECT(summarise({7, 7, 7, 7}).relativeError == 0);
  // Distances from 10 are 1 0 1 2 2: MAD 1; sqrt(pi/2) * 1.4826 / sqrt(5) / 10.
  EXPECT(std::fabs(summarise({9, 10, 11, 12, 8}).relativeError - 0.083100) < 1e-5);
  EXPECT(std::fabs(largestDrift({2, 4}, {2.2, 3}) - 0.25) < 1e-12);
}

static void testNumbers() {
  EXPECT(bf16Bits(1.0f) == 0x3F80 && bf16Value(0x3F80) == 1.0f);
  // Halfway between 0x3F80 and 0x3F81 goes to the even one; a little above goes up.
  EXPECT(bf16Bits(1.00390625f) == 0x3F80);
  EXPECT(bf16Bits(1.00390637f) == 0x3F81);
  EXPECT(bf16Bits(1.01171875f) == 0x3F82);
  double sum = 0, squares = 0;
  for (int i = 0; i < 100000; ++i) {
    double value = drawnValue(i, 5, 1);
    sum += value;
    squares += value * value;
  }
  EXPECT(std::fabs(sum / 1e5) < 0.01 && std::fabs(squares / 1e5 - 1.0 / 3) < 0.005);
  EXPECT(drawnValue(3, 1, 1) != drawnValue(3, 2, 1));
}

static void testRows() {
  MeasurementRow row;
  row.device = "a \"GPU\"";
  row.kernel = "gemm";
  row.m = 4;
  row.topK = 2;
  row.pinned = false;
  row.seconds = summarise({1e-6, 2e-6, 3e-6});
  row.source = "s";
  row.date = "2026-11-25";
  std::string json = row.json();
  EXPECT(
      json ==
      "{\"device\": \"a \\\"GPU\\\"\", \"kernel\": \"gemm\", \"m\": 4, \"top_k\": 2, "
      "\"pinned\": false, \"median_s\": 2e-06, \"min_s\": 1e-06, \"max_s\": 3e-06, \"repeats\": 3, "
      "\"source\": \"s\", \"date\": \"2026-11-25\"}");
  MeasurementRow other = row;
  other.seconds.median = 5;
  other.date = "2027-01-01";
  EXPECT(rowKey(json) == rowKey(other.json()));
  other.m = 5;
  EXPECT(rowKey(json) != rowKey(other.json()));
}

static void testRowFile() {
  std::string path = temporary() + ".jsonl";
  MeasurementRow row;
  row.kernel = "launch";
  row.device = "d";
  {
    RowFile file(path, false);
    file.write(row);
  }
  EXPECT(contains(thrown([&] { RowFile file(path, false); }), "--resume"));
  // A row that a crash cut off is dropped, and its measurement done again.
  std::FILE* tail = std::fopen(path.c_str(), "a");
  std::fputs("{\"device\": \"d\", \"kern", tail);
  std::fclose(tail);
  {
    RowFile file(path, true);
    EXPECT(file.has(row) && file.earlier() == 1);
    row.kernel = "copy";
    EXPECT(!file.has(row));
    file.write(row);
  }
  std::ifstream written(path);
  int lines = 0;
  for (std::string line; std::getline(written, line); ++lines) parsedJson(line);
  EXPECT(lines == 2);
  std::remove(path.c_str());
}

static void testJson() {
  JsonValue value = parsedJson(" {\"a\": [1, -2.5e3, true, null], \"b\": {\"c\": \"x\\n\\u00e9\"}} ");
  EXPECT(value.array("a").size() == 4 && value.array("a")[1].real == -2500);
  EXPECT(value.at("b").text("c") == "x\n\xC3\xA9");
  EXPECT(value.integer("absent", 7) == 7);
  EXPECT(contains(thrown([&] { value.at("absent"); }), "absent"));
  for (const char* wrong : {"", "{", "[1,]", "{\"a\" 1}", "\"x", "1 2", "{\"a\": 1", "nul"}) {
    EXPECT(!thrown([&] { parsedJson(wrong); }).empty());
  }
  EXPECT(contains(thrown([&] { parsedJson("[1, x]"); }), "character 5"));
}

static void testSpreads() {
  TokenSpread even = balancedSpread(6, 2, 4);
  EXPECT(even.rows == std::vector<int>({3, 3, 3, 3}) && even.loadRatio(4) == 1);
  EXPECT(even.loadRatio(8) == 2);
  for (const TokenSpread& spread : {balancedSpread(7, 3, 5), zipfSpread(64, 4, 16)}) {
    std::size_t total = 0;
    for (int rows : spread.rows) total += std::size_t(rows);
    EXPECT(total == std::size_t(spread.tokens * spread.topK));
    // Places are a permutation, each in its expert's part; a token's choices are distinct experts.
    std::vector<int> seen(total, 0);
    bool isRight = true;
    for (std::size_t i = 0; i < total; ++i) {
      ++seen[std::size_t(spread.places[i])];
      isRight = isRight && spread.tokenOfRow[std::size_t(spread.places[i])] == int(i) / spread.topK;
    }
    for (int count : seen) isRight = isRight && count == 1;
    EXPECT(isRight);
    for (int rows : spread.rows) EXPECT(rows <= spread.tokens);
  }
  TokenSpread skewed = zipfSpread(1000, 1, 4);
  // Shares 12/25, 6/25, 4/25, 3/25.
  EXPECT(skewed.rows == std::vector<int>({480, 240, 160, 120}));
}

static void testModels(const char* folder) {
  ModelShape mixtral = readModelShape(folder, "mixtral-8x7b");
  EXPECT(mixtral.hidden == 4096 && mixtral.width == 14336 && mixtral.experts == 8);
  EXPECT(mixtral.topK == 2 && mixtral.heads == 32 && mixtral.kvHeads == 8 && mixtral.headSize == 128);
  EXPECT(mixtral.expertWeights() * 2 == 352321536);
  ModelShape deepseek = readModelShape(folder, "deepseek-v3");
  EXPECT(deepseek.width == 2048 && deepseek.experts == 256 && deepseek.heads == 0);
  EXPECT(readModelShape(folder, "gpt-oss-20b").headSize == 64);
  for (bool quick : {true, false}) {
    for (const std::string& name : measuredModels(quick)) {
      EXPECT(thrown([&] { readModelShape(folder, name); }).empty());
    }
  }
  EXPECT(contains(thrown([&] { readModelShape(folder, "none"); }), "none.json"));
}

static void testComparison() {
  EXPECT(thrown([] { requireClose("k", {1.001f, 2}, {1, 2}); }).empty());
  EXPECT(contains(thrown([] { requireClose("k", {1, 2.1f}, {1, 2}); }), "k computes wrongly: value 1"));
  EXPECT(!thrown([] { requireClose("k", {NAN, 2}, {1, 2}); }).empty());
  EXPECT(!thrown([] { requireClose("k", {0, 0}, {0, 0}); }).empty());
  EXPECT(!thrown([] { requireClose("k", {}, {}); }).empty());
}

static void testReference() {
  std::vector<int> chosen;
  std::vector<float> weights;
  chooseTop({1, 3, 2, 3}, 3, chosen, weights);
  EXPECT(chosen == std::vector<int>({1, 3, 2}));
  EXPECT(std::fabs(weights[0] - 1 / (2 + std::exp(-1.0))) < 1e-6);
  // Two keys with scores 0 and ln 3: shares 1/4 and 3/4.
  auto out = attentionOutput(
      1, 2, [](auto) { return 1.0; }, [](auto t, auto) { return t ? std::log(3.0) : 0.0; },
      [](auto t, auto) { return t ? 8.0 : 4.0; });
  EXPECT(std::fabs(out[0] - 7) < 1e-6);
  EXPECT(std::fabs(siluProduct(0, 5)) < 1e-12 && std::fabs(siluProduct(1, 2) - 1.4621172) < 1e-6);
}

static const char* header =
    "{\"event\":\"header\",\"format\":\"moesim-decisions\",\"version\":1,\"scenario\":\"s\","
    "\"model\":{\"name\":\"m\",\"hidden\":8,\"layers\":3,\"moe_layers\":[1,2],\"experts\":4,\"top_k\":2,"
    "\"width\":16,\"matrices\":3,\"shared_width\":0,\"heads\":2,\"kv_heads\":1,\"head_size\":64,"
    "\"vocabulary\":32},\"precision\":{\"experts\":\"bf16\"},\"expert_bytes\":[768],"
    "\"cache\":{\"pool\":\"per-layer\",\"slots\":[2,2],\"staging_buffers\":2},"
    "\"policy\":{\"name\":\"p\",\"schedule\":{\"name\":\"load-then-compute\"}}}\n";

static void testDecisionLog() {
  std::stringstream text(
      std::string(header) +
      "{\"event\":\"content\",\"layer\":1,\"experts\":[0,1],\"slots\":[2,3]}\n"
      "{\"event\":\"step\",\"t\":5,\"step\":1,\"tokens\":2,\"sequences\":[{\"request\":0,\"position\":3,"
      "\"tokens\":1,\"outputs\":1},{\"request\":1,\"position\":9,\"tokens\":1,\"outputs\":1}]}\n"
      "{\"event\":\"unheard-of\",\"t\":6}\n"
      "{\"t\":7,\"event\":\"access\",\"layer\":1,\"members\":[{\"expert\":3,\"tokens\":1,\"weight\":0.3,"
      "\"found\":\"miss\",\"slot\":2}],\"evicted\":[{\"layer\":1,\"expert\":0,\"slot\":2}]}\n"
      "{\"event\":\"step\",\"t\":9,\"step\":2,\"tokens\":1,\"sequences\":[]}\n");
  DecisionLog log = readDecisionLog(text, "log", 1);
  EXPECT(log.header.mixtures() == 2 && log.header.slotCount() == 4);
  EXPECT(log.header.policy == "p" && log.header.schedule == "load-then-compute");
  EXPECT(log.decisions.size() == 3);
  EXPECT(log.decisions[1].sequences[1].position == 9 && log.decisions[1].nanoseconds == 5);
  EXPECT(log.decisions[2].members[0].slot == 2 && log.decisions[2].members[0].found == "miss");
  EXPECT(log.decisions[2].evicted[0].second == 0);
  auto failure = [](const std::string& line) {
    return thrown([&] {
      std::stringstream stream(header + line + "\n");
      readDecisionLog(stream, "log", 0);
    });
  };
  EXPECT(contains(failure("{\"event\":\"layer\",\"layer\":2}"), "log:2: a layer out of range"));
  EXPECT(contains(failure("{\"event\":\"prefetch\",\"layer\":0,\"expert\":1,\"slot\":4}"), "log:2"));
  EXPECT(contains(failure("{\"event\":"), "log:2"));
  EXPECT(contains(
      thrown([] {
        std::stringstream stream("{\"event\":\"step\"}\n");
        readDecisionLog(stream, "log", 0);
      }),
      "log:1"));
}

static void testPlaces() {
  const int none = ExpertPlaces::none;
  ExpertPlaces places(2, 2, 8, 100, 40);
  places.put(5, 0);
  EXPECT(places.place(5) == 0 && places.occupant(0) == 5 && !places.isWhole(0));
  EXPECT(places.next(0, false) == std::make_pair(std::int64_t(0), std::int64_t(40)));
  EXPECT(places.next(0, false) == std::make_pair(std::int64_t(40), std::int64_t(40)));
  // What has come of an expert stays where it is put again.
  places.put(5, 0);
  EXPECT(places.next(0, true) == std::make_pair(std::int64_t(80), std::int64_t(20)));
  EXPECT(places.isWhole(0));
  places.put(6, 0);
  EXPECT(places.place(5) == none && places.issuedBytes(0) == 0);
  places.put(6, 1);
  EXPECT(places.occupant(0) == none && places.place(6) == 1);

  int first = places.freeStaging();
  EXPECT(places.isStaging(first));
  places.hold(first);
  int second = places.freeStaging();
  EXPECT(second != first && second != none);
  places.hold(second);
  EXPECT(places.freeStaging() == none);
  // From a staging buffer into the cache: the buffers change parts, and who was in the slot keeps its
  // buffer until it is cleared.
  places.put(7, first);
  places.next(first, true);
  int former = places.enter(1, first);
  EXPECT(former == 1 && places.bufferOfSlot(1) == first && places.place(7) == first);
  EXPECT(places.isWhole(first) && !places.isStaging(first) && places.isStaging(former));
  EXPECT(places.occupant(former) == 6 && places.freeStaging() == none);
  places.clear(former);
  EXPECT(places.freeStaging() == former && places.place(6) == none);
}

static void testOptionsAndTrace() {
  const char* arguments[] = {"p", "--out", "x", "--only=a,b", "--quick", "file"};
  Options options(6, arguments, {"out", "only", "n"}, {"quick"}, true);
  EXPECT(options.text("out", "") == "x" && options.list("only").size() == 2 && options.has("quick"));
  EXPECT(options.files == std::vector<std::string>({"file"}) && options.number("n", 3) == 3);
  const char* unknown[] = {"p", "--oops"};
  EXPECT(contains(thrown([&] { Options(2, unknown, {}, {}); }), "--oops"));
  const char* missing[] = {"p", "--n"};
  EXPECT(contains(thrown([&] { Options(2, missing, {"n"}, {}); }), "needs a value"));
  const char* word[] = {"p", "--n", "x"};
  EXPECT(contains(thrown([&] { Options(3, word, {"n"}, {}).number("n", 0); }), "number"));

  ChromeTrace trace("run", {"one"});
  trace.add(0, "a", 1e-6, 3.5e-6);
  std::string path = temporary() + ".json";
  trace.write(path);
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  JsonValue value = parsedJson(text.str());
  EXPECT(value.array("traceEvents").size() == 3);
  EXPECT(value.array("traceEvents")[2].at("dur").real == 2.5);
  std::remove(path.c_str());
}

int main(int, char**) {
  testStatistics();
  testNumbers();
  testRows();
  testRowFile();
  testJson();
  testSpreads();
  testModels(CALIBRATION_MODELS);
  testComparison();
  testReference();
  testDecisionLog();
  testPlaces();
  testOptionsAndTrace();
  std::printf("%d passed, %d failed\n", passed, failures);
  return failures == 0 ? 0 : 1;
}
