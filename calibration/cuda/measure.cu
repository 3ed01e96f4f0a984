// SPDX-License-Identifier: GPL-3.0-or-later
// Times kernels and copies of this machine's GPU; README.md tells how.
#include <cstdio>
#include <functional>

#include "host/options.h"
#include "suites/context.h"

namespace calibration {

namespace {

struct Suite {
  const char* name;
  const char* summary;
  void (*measure)(Context&);
};

const Suite suites[] = {
    {"launch", "what launching a kernel costs", measureLaunch},
    {"copies", "copies over the link", measureCopies},
    {"overlap", "copies and products at once", measureOverlap},
    {"memory", "bandwidth of the device's memory", measureMemory},
    {"experts", "experts and grouped products, bf16", measureExperts},
    {"quantised", "int4 and int8 products of few rows", measureQuantised},
    {"attention", "attention of one token a sequence", measureAttention},
    {"prefill", "attention of prompt tokens", measurePrefill},
    {"rows", "gate, norm, embedding", measureRows},
    {"gemm", "dense products, bf16", measureGemm},
};

const char* usage =
    "measure [--out FILE] [--resume] [--quick] [--only SUITE,...] [--device N] [--models FOLDER]\n"
    "        [--model NAME,...] [--noise SHARE] [--tiny]\n"
    "\n"
    "Writes a table of timings as JSON Lines: to FILE, which must not exist, or to standard output.\n"
    "--resume  go on with a FILE that an earlier run began\n"
    "--quick   fewer models and sizes, wider noise: some minutes instead of an hour or two\n"
    "--noise   standard error of a median at which repeating ends (0.005; with --quick 0.02)\n"
    "--model   models of the models folder (default: ten, from Mixtral to DeepSeek-V3)\n"
    "--tiny    shapes of no use but to try the program\n"
    "\nSuites:\n";

int run(int count, char** arguments) {
  Options options(
      count, arguments, {"out", "only", "device", "models", "model", "noise"},
      {"quick", "resume", "tiny", "help"});
  if (options.has("help")) {
    std::fputs(usage, stdout);
    for (const Suite& suite : suites) std::printf("  %-10s %s\n", suite.name, suite.summary);
    return 0;
  }
  std::vector<std::string> only = options.list("only");
  for (const std::string& name : only) {
    bool isKnown = false;
    for (const Suite& suite : suites) isKnown = isKnown || name == suite.name;
    if (!isKnown) throw std::runtime_error("no suite is called " + name + " (see --help)");
  }

  TimingPlan plan;
  bool isQuick = options.has("quick") || options.has("tiny");
  if (isQuick) {
    plan.minimumRepeats = 5;
    plan.maximumRepeats = 25;
    plan.noise = 0.02;
    plan.budget = 0.3;
    plan.warmUp = 0.02;
  }
  if (options.has("tiny")) plan = {1, 1, 1, 0, 0, 1};
  plan.noise = options.number("noise", plan.noise);

  DeviceDescription device = describeDevice(int(options.number("device", 0)));
  RowFile file(options.text("out", "-"), options.has("resume"));
  Context context(device, plan, file);
  context.quick = isQuick;
  context.tiny = options.has("tiny");
  std::vector<std::string> names = options.list("model");
  if (names.empty()) names = measuredModels(isQuick);
  if (context.tiny) {
    context.models = tinyModels();
  } else {
    for (const std::string& name : names) {
      context.models.push_back(readModelShape(options.text("models", CALIBRATION_MODELS), name));
    }
  }
  std::fprintf(stderr, "%s, %s\n", device.name.c_str(), device.source.c_str());
  if (file.earlier() > 0) std::fprintf(stderr, "going on after %zu rows\n", file.earlier());
  for (const Suite& suite : suites) {
    bool isWanted = only.empty();
    for (const std::string& name : only) isWanted = isWanted || name == suite.name;
    if (!isWanted) continue;
    std::fprintf(stderr, "-- %s: %s\n", suite.name, suite.summary);
    suite.measure(context);
  }
  std::fprintf(stderr, "%zu rows\n", file.written());
  return 0;
}

}  // namespace

}  // namespace calibration

int main(int count, char** arguments) {
  try {
    return calibration::run(count, arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "measure: %s\n", error.what());
    return 1;
  }
}
