// SPDX-License-Identifier: GPL-3.0-or-later
// Executes logs of decisions on this machine's GPU; README.md tells how.
#include <cstdio>
#include <memory>

#include "host/comparison.h"
#include "host/options.h"
#include "rehearsal/report.h"

namespace calibration {

namespace {

const char* usage =
    "rehearse LOG... [--out FILE] [--timeline FILE] [--steps N] [--host-memory GIB] [--chunk MIB]\n"
    "         [--staging N] [--schedule compute-as-ready|load-then-compute] [--verify] [--device N]\n"
    "         [--quick]\n"
    "\n"
    "Executes the logs that `moesim simulate --decisions LOG` writes, and writes one JSON object each\n"
    "to FILE or standard output: time per step as measured and as simulated, by stage, and bytes.\n"
    "--timeline     a trace for Perfetto (of the last log)\n"
    "--steps        the first N steps alone\n"
    "--host-memory  host memory for experts (default: 60 % of what is available); where it does not\n"
    "               hold all experts, several share one copy\n"
    "--chunk        bytes of a chunk of what is fetched ahead [MiB] (default: a whole expert)\n"
    "--staging      staging buffers (default: the log's and two)\n"
    "--verify       afterwards, execute once more with each expert copied when it is computed, and\n"
    "               compare each step's result\n"
    "--quick        shorter measurements of the machine before and after\n";

constexpr double steadyDrift = 0.15;

struct Settings {
  std::int64_t hostBytes = 0, chunkBytes = 0;
  int staging = 0, steps = 0;
  std::string schedule, timeline;
  bool isQuick = false, verifies = false;
};

void requireSupported(const DecisionHeader& header) {
  std::int64_t bytes = std::int64_t(3) * header.hidden * header.width * 2;
  if (header.precision != "bf16" || header.expertBytes.size() != 1 || header.matrices != 3 ||
      header.expertBytes[0] != bytes) {
    throw std::runtime_error(
        "experts in " + header.precision + ", " + std::to_string(header.matrices) +
        " matrices, " + std::to_string(header.expertBytes.size()) +
        " versions: gated experts in bf16, in one version, are executed"
        " (--set 'precision.experts=bf16')");
  }
}

RehearsalSize sizeOf(const DecisionLog& log) {
  RehearsalSize size;
  for (const Decision& decision : log.decisions) {
    if (decision.kind != Decision::Kind::step) continue;
    size.tokens = std::max(size.tokens, decision.tokens);
    size.sequences = std::max(size.sequences, int(decision.sequences.size()));
    for (const DecidedSequence& sequence : decision.sequences) {
      size.capacity = std::max(size.capacity, sequence.position + sequence.tokens);
    }
  }
  return size;
}

/// Executes the log's accesses in the order of `order`, one expert after the other from one buffer,
/// and compares the results of all steps.
std::string verify(
    const DecisionLog& log, const Playback& playback, RehearsedModel& model, const HostExperts& host,
    cudaStream_t stream) {
  DeviceBuffer<unsigned char> buffer(std::size_t(log.header.expertBytes[0]));
  std::size_t access = 0, step = 0;
  int nextLayer = 0, rowTurn = 0, rows = 1;
  bool isFirst = false;
  auto attentionUpTo = [&](int layer) {
    for (; nextLayer < layer; ++nextLayer) model.attention(nextLayer);
  };
  for (const Decision& decision : log.decisions) {
    if (decision.kind == Decision::Kind::step) {
      model.beginStep(decision);
      nextLayer = 0;
      rows = decision.tokens;
    } else if (decision.kind == Decision::Kind::layer) {
      attentionUpTo(log.header.mixtureLayers[std::size_t(decision.layer)] + 1);
      model.gate(decision.layer);
      rowTurn = 0;
      isFirst = true;
    } else if (decision.kind == Decision::Kind::access) {
      if (isFirst && model.hasShared()) model.sharedExperts(decision.layer);
      isFirst = false;
      std::vector<int> firstRows;
      for (const DecidedMember& member : decision.members) {
        firstRows.push_back(rowTurn % rows);
        rowTurn += member.tokens;
      }
      for (int expert : playback.order[access]) {
        for (std::size_t i = 0; i < decision.members.size(); ++i) {
          const DecidedMember& member = decision.members[i];
          if (member.expert != expert) continue;
          require(
              cudaMemcpyAsync(
                  buffer.data(),
                  host.at(std::int64_t(decision.layer) * log.header.experts + expert), buffer.size(),
                  cudaMemcpyHostToDevice, stream),
              "an expert");
          model.expert(
              buffer.data(), firstRows[i], std::min(member.tokens, rows),
              float(member.weight / member.tokens));
        }
      }
      ++access;
    } else if (decision.kind == Decision::Kind::computed) {
      model.endLayer();
    } else if (decision.kind == Decision::Kind::stepEnd) {
      attentionUpTo(log.header.layers);
      model.head();
      require(cudaStreamSynchronize(stream), "a step");
      std::vector<float> expected, found;
      for (std::uint16_t value : model.result()) expected.push_back(bf16Value(value));
      for (std::uint16_t value : playback.steps[step].result) found.push_back(bf16Value(value));
      requireClose("step " + std::to_string(playback.steps[step].step), found, expected);
      ++step;
    }
  }
  return "all " + std::to_string(step) + " steps give what a plain execution gives";
}

RehearsalReport rehearse(
    const std::string& path, const DecisionLog& log, const DeviceDescription& device,
    const Settings& settings, bool writesTimeline) {
  const DecisionHeader& header = log.header;
  requireSupported(header);
  Stream compute;
  Blas blas(compute);
  std::int64_t bytes = header.expertBytes[0];
  std::int64_t experts = std::int64_t(header.mixtures()) * header.experts;
  int staging = settings.staging > 0 ? settings.staging : header.stagingBuffers + 2;
  std::size_t cacheBytes = std::size_t(bytes) * std::size_t(header.slotCount() + staging);
  if (cacheBytes > freeDeviceMemory() / 100 * 95) {
    throw std::runtime_error(
        "the cache of " + std::to_string(header.slotCount()) + " experts needs " +
        std::to_string(cacheBytes >> 20) + " MiB; the device has " +
        std::to_string(freeDeviceMemory() >> 20));
  }
  RehearsedModel model(header, sizeOf(log), device.multiprocessors, blas, compute);
  std::fprintf(stderr, "%s: laying out %lld experts\n", path.c_str(), (long long)experts);
  HostExperts host(experts, bytes, settings.hostBytes, compute);

  RehearsalReport report;
  report.logName = path;
  report.device = device;
  report.distinctExperts = host.distinctExperts();
  report.chunkBytes = settings.chunkBytes > 0 ? std::min(settings.chunkBytes, bytes) : bytes;
  report.computesAttention = model.computesAttention();
  std::string schedule = settings.schedule.empty() ? header.schedule : settings.schedule;
  report.loadThenCompute = schedule == "load-then-compute";
  TimingPlan plan;
  if (settings.isQuick) plan = {5, 9, 0.02, 0.2, 0.01};

  for (report.attempts = 1;; ++report.attempts) {
    report.before = checkMachine(host, model, header, 1, plan, compute);
    {
      ChromeTrace trace("rehearsal of " + path, Spans::tracks());
      bool isTraced = writesTimeline && !settings.timeline.empty();
      Spans spans(isTraced ? &trace : nullptr);
      ExpertPlaces places(header.slotCount(), staging, int(experts), bytes, report.chunkBytes);
      Transfers transfers(host, places, bytes, spans, header.experts);
      Player player(log, model, transfers, places, spans, compute, report.loadThenCompute);
      report.playback = player.play();
      require(cudaDeviceSynchronize(), "the rehearsal");
      if (isTraced) trace.write(settings.timeline);
    }
    report.after = checkMachine(host, model, header, 1, plan, compute);
    report.drift = largestDrift(report.before.figures(), report.after.figures());
    std::fprintf(
        stderr, "%s: the machine drifted by %.1f %% during the rehearsal\n", path.c_str(),
        report.drift * 100);
    if (report.drift <= steadyDrift || report.attempts == 2) break;
    std::fprintf(
        stderr, "%s: more than %.0f %%: rehearsed once more\n", path.c_str(), steadyDrift * 100);
  }
  if (settings.verifies) {
    report.verified = verify(log, report.playback, model, host, compute);
    std::fprintf(stderr, "%s: %s\n", path.c_str(), report.verified.c_str());
  }
  return report;
}

int run(int count, char** arguments) {
  Options options(
      count, arguments,
      {"out", "timeline", "steps", "host-memory", "chunk", "staging", "schedule", "device"},
      {"verify", "quick", "help"}, true);
  if (options.has("help") || options.files.empty()) {
    std::fputs(usage, options.has("help") ? stdout : stderr);
    return options.has("help") ? 0 : 1;
  }
  Settings settings;
  settings.steps = int(options.number("steps", 0));
  // Whole pages, so that chunks begin where copy engines like it.
  settings.chunkBytes = std::int64_t(options.number("chunk", 0) * 256) * 4096;
  settings.staging = int(options.number("staging", 0));
  settings.schedule = options.text("schedule", "");
  settings.timeline = options.text("timeline", "");
  settings.isQuick = options.has("quick");
  settings.verifies = options.has("verify");
  if (!settings.schedule.empty() && settings.schedule != "compute-as-ready" &&
      settings.schedule != "load-then-compute") {
    throw std::runtime_error("--schedule " + settings.schedule + " is not known");
  }
  settings.hostBytes =
      options.has("host-memory")
          ? std::int64_t(options.number("host-memory", 0) * 1073741824)
          : availableHostMemory() / 10 * 6;
  if (settings.hostBytes <= 0) throw std::runtime_error("--host-memory must be given");

  DeviceDescription device = describeDevice(int(options.number("device", 0)));
  std::FILE* out = stdout;
  if (options.has("out")) {
    out = std::fopen(options.text("out", "").c_str(), "a");
    if (!out) throw std::runtime_error("cannot write " + options.text("out", ""));
  }
  for (std::size_t i = 0; i < options.files.size(); ++i) {
    const std::string& path = options.files[i];
    DecisionLog log = readDecisionLog(path, settings.steps);
    RehearsalReport report =
        rehearse(path, log, device, settings, i + 1 == options.files.size());
    std::fprintf(out, "%s\n", reportJson(report, log.header).c_str());
    std::fflush(out);
  }
  if (out != stdout && std::fclose(out) != 0) throw std::runtime_error("cannot write the report");
  return 0;
}

}  // namespace

}  // namespace calibration

int main(int count, char** arguments) {
  try {
    return calibration::run(count, arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rehearse: %s\n", error.what());
    return 1;
  }
}
