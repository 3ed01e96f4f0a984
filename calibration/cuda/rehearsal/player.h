// SPDX-License-Identifier: GPL-3.0-or-later
// Executes a log of decisions: the same experts in the same slots at every gate, real copies and real
// products.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "model.h"
#include "transfers.h"

namespace calibration {

struct StepRecord {
  int step = 0, tokens = 0, outputs = 0;
  bool isDecode = false;
  double seconds = 0;           // measured, by the device's events
  double hostSeconds = 0;       // measured, by the host's clock
  double simulatedSeconds = 0;  // in the log
  double stages[int(Stage::count)] = {};
  std::int64_t demandBytes = 0, prefetchBytes = 0;
  std::vector<std::uint16_t> result;
};

struct FoundTotals {
  /// As the log has them.
  std::int64_t hits = 0, lates = 0, misses = 0, streamed = 0, prefetches = 0;
  /// Logged hits that were still on their way, and logged lates and misses that had come.
  std::int64_t hitsUnderWay = 0, othersThere = 0;
};

struct Playback {
  std::vector<StepRecord> steps;
  FoundTotals found;
  TransferTotals transfers;
  /// The experts of each access in the order in which they were computed.
  std::vector<std::vector<int>> order;
};

class Player {
 public:
  Player(
      const DecisionLog& log, RehearsedModel& model, Transfers& transfers, ExpertPlaces& places,
      Spans& spans, cudaStream_t compute, bool loadThenCompute)
      : log(log), model(model), transfers(transfers), places(places), spans(spans),
        compute(compute), loadThenCompute(loadThenCompute) {}

  Playback play() {
    for (const Decision& decision : log.decisions) {
      switch (decision.kind) {
        case Decision::Kind::content:
          for (std::size_t i = 0; i < decision.experts.size(); ++i) {
            transfers.fill(
                key(decision.layer, decision.experts[i]), places.bufferOfSlot(decision.slots[i]));
          }
          break;
        case Decision::Kind::step: beginStep(decision); break;
        case Decision::Kind::stepEnd: endStep(decision); break;
        case Decision::Kind::layer: beginLayer(decision.layer); break;
        case Decision::Kind::access: access(decision); break;
        case Decision::Kind::computed: endLayer(); break;
        case Decision::Kind::prefetch: prefetch(decision); break;
        case Decision::Kind::dropped: drop(decision); break;
        case Decision::Kind::evicted: forget(decision); break;
        case Decision::Kind::other: break;
      }
    }
    playback.transfers = transfers.totals;
    return std::move(playback);
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Member {
    const DecidedMember* decided;
    int expert, buffer = ExpertPlaces::none, firstRow = 0;
    bool isFetched = false, isIssued = false, isComputed = false, isLeaving = false;
  };

  int key(int layer, int expert) const { return layer * log.header.experts + expert; }

  void beginStep(const Decision& decision) {
    transfers.settle();
    StepRecord record;
    record.step = decision.step;
    record.tokens = decision.tokens;
    int prompt = 0;
    for (const DecidedSequence& sequence : decision.sequences) {
      record.outputs += sequence.outputs;
      prompt += sequence.tokens - sequence.outputs;
    }
    record.isDecode = prompt == 0;
    record.simulatedSeconds = -double(decision.nanoseconds) * 1e-9;
    playback.steps.push_back(record);
    before = transfers.totals;
    hostBegan = Clock::now();
    std::swap(base, previousBase);
    base = std::make_unique<Event>();
    base->record(compute);
    stepSpan = spans.begin(
        Stage::step, 0, (record.isDecode ? "decode " : "prompt ") + std::to_string(decision.step),
        compute);
    model.beginStep(decision);
    nextLayer = 0;
  }

  void endStep(const Decision& decision) {
    if (layerSpan != ExpertPlaces::none) endLayer();
    std::size_t span = spans.begin(Stage::head, 1, "head", compute);
    attentionUpTo(log.header.layers);
    model.head();
    spans.end(span, compute);
    spans.end(stepSpan, compute);
    ended.record(compute);
    transfers.waitFor(ended);
    StepRecord& record = playback.steps.back();
    record.hostSeconds = std::chrono::duration<double>(Clock::now() - hostBegan).count();
    record.simulatedSeconds += double(decision.nanoseconds) * 1e-9;
    spans.resolve(*base, previousBase.get(), record.stages);
    record.seconds = record.stages[int(Stage::step)];
    record.demandBytes = transfers.totals.demandBytes - before.demandBytes;
    record.prefetchBytes = transfers.totals.prefetchBytes - before.prefetchBytes;
    record.result = model.result();
  }

  /// The attention of layers that have no experts, up to `layer`.
  void attentionUpTo(int layer) {
    for (; nextLayer < layer; ++nextLayer) model.attention(nextLayer);
  }

  void beginLayer(int mixture) {
    std::string label = "layer " + std::to_string(mixture);
    std::size_t span = spans.begin(Stage::attention, 1, label + " attention", compute);
    attentionUpTo(log.header.mixtureLayers[std::size_t(mixture)] + 1);
    spans.end(span, compute);
    span = spans.begin(Stage::gate, 1, label + " gate", compute);
    model.gate(mixture);
    spans.end(span, compute);
    gated.record(compute);
    isGateAwaited = true;
    layer = mixture;
    rowTurn = 0;
    layerSpan = ExpertPlaces::none;
    transfers.pump();
  }

  void access(const Decision& decision) {
    if (isGateAwaited) {
      // The host learns here which experts the gate chose.
      transfers.waitFor(gated);
      isGateAwaited = false;
      layerSpan = int(spans.begin(
          Stage::expertPhase, 1, "layer " + std::to_string(layer) + " experts", compute));
      if (model.hasShared()) {
        std::size_t span = spans.begin(Stage::sharedExpert, 2, "shared", compute);
        model.sharedExperts(layer);
        spans.end(span, compute);
      }
    }
    members.clear();
    for (const DecidedMember& decided : decision.members) take(decided);
    // Hits that were fetched ahead into a staging buffer get the slot that the log gives them.
    for (Member& member : members) {
      int slot = member.decided->slot;
      if (member.buffer != ExpertPlaces::none && slot >= 0 && places.isStaging(member.buffer)) {
        places.enter(slot, member.buffer);
      }
    }
    forget(decision);
    playback.order.emplace_back();

    // Demands in their order: those on their way first, then misses, the heaviest (the last) first.
    std::vector<Member*> fetches;
    for (Member& member : members) {
      if (member.decided->found == "late") fetches.push_back(&member);
    }
    for (auto member = members.rbegin(); member != members.rend(); ++member) {
      if (member->isFetched && member->decided->found != "late") fetches.push_back(&*member);
    }
    std::size_t next = 0;
    while (next < fetches.size() && issue(*fetches[next])) ++next;
    if (loadThenCompute) {
      for (Member* fetch : fetches) {
        if (fetch->isIssued) transfers.awaitLoad(fetch->buffer, compute);
      }
    }
    for (Member& member : members) {
      if (!member.isFetched) run(member);
    }
    // What found its target in use goes on as the members that hold it are computed.
    std::size_t computed = 0;
    while (next < fetches.size()) {
      if (issue(*fetches[next])) {
        ++next;
      } else if (computed < next) {
        run(*fetches[computed++]);
      } else {
        throw std::runtime_error("no staging buffer is free; --staging gives more");
      }
    }
    for (; computed < fetches.size(); ++computed) run(*fetches[computed]);
    transfers.pump();
  }

  /// Finds a member's buffer as the log has it.
  void take(const DecidedMember& decided) {
    Member member;
    member.decided = &decided;
    member.expert = key(layer, decided.expert);
    member.firstRow = rowTurn;
    rowTurn += decided.tokens;
    const std::string& found = decided.found;
    if (found == "hit") {
      member.buffer = places.place(member.expert);
      bool isThere = member.buffer != ExpertPlaces::none &&
                     (decided.slot < 0 || places.isStaging(member.buffer) ||
                      member.buffer == places.bufferOfSlot(decided.slot));
      if (!isThere) {
        throw std::runtime_error(
            "the log has expert " + std::to_string(decided.expert) + " of layer " +
            std::to_string(layer) + " in slot " + std::to_string(decided.slot) + ", where it is not");
      }
      ++playback.found.hits;
      if (!places.isWhole(member.buffer)) {
        // It is still on its way here: it becomes a demand.
        member.isFetched = true;
        ++playback.found.hitsUnderWay;
      } else if (!transfers.hasCome(member.buffer)) {
        ++playback.found.hitsUnderWay;
      }
    } else if (found == "late" || found == "miss" || found == "streamed") {
      member.isFetched = true;
      ++(found == "late" ? playback.found.lates
         : found == "miss" ? playback.found.misses
                           : playback.found.streamed);
      int place = places.place(member.expert);
      if (place != ExpertPlaces::none && transfers.hasCome(place)) ++playback.found.othersThere;
    } else {
      throw std::runtime_error(
          "experts that are found as \"" + found + "\" are not executed by this program");
    }
    members.push_back(member);
  }

  /// Forgets evicted experts; members of the access under way are forgotten once they are computed.
  void forget(const Decision& decision) {
    for (auto [ofLayer, number] : decision.evicted) {
      int expert = key(ofLayer, number);
      bool isMember = false;
      if (decision.kind == Decision::Kind::access) {
        for (Member& member : members) {
          if (member.expert == expert && member.buffer != ExpertPlaces::none) {
            member.isLeaving = isMember = true;
          }
        }
      }
      int buffer = places.place(expert);
      if (!isMember && buffer != ExpertPlaces::none) {
        transfers.stopAhead(expert);
        places.clear(buffer);
      }
    }
  }

  /// Begins the fetch of a member; false while its target is in use by one that has yet to be computed.
  bool issue(Member& member) {
    int place = places.place(member.expert), slot = member.decided->slot;
    if (place != ExpertPlaces::none && slot >= 0 && places.isStaging(place)) {
      places.enter(slot, place);
    }
    int target = slot >= 0                     ? places.bufferOfSlot(slot)
                 : place != ExpertPlaces::none ? place
                                               : places.freeStaging();
    if (target == ExpertPlaces::none) return false;
    for (const Member& other : members) {
      if (&other != &member && other.buffer == target && !other.isComputed) return false;
    }
    places.put(member.expert, target);
    if (places.isStaging(target)) places.hold(target);
    member.buffer = target;
    transfers.demandRest(target);
    member.isIssued = true;
    return true;
  }

  void run(Member& member) {
    if (member.isComputed) return;
    transfers.awaitLoad(member.buffer, compute);
    std::size_t span = spans.begin(
        Stage::expert, 2,
        std::to_string(layer) + "/" + std::to_string(member.decided->expert) + " " +
            member.decided->found,
        compute);
    model.expert(
        transfers.data(member.buffer), member.firstRow % playback.steps.back().tokens,
        std::min(member.decided->tokens, playback.steps.back().tokens),
        float(member.decided->weight / member.decided->tokens));
    spans.end(span, compute);
    transfers.markUsed(member.buffer, compute);
    member.isComputed = true;
    playback.order.back().push_back(member.decided->expert);
    bool isStillThere = places.place(member.expert) == member.buffer;
    if (isStillThere && (member.isLeaving || places.isStaging(member.buffer))) {
      places.clear(member.buffer);
    }
  }

  void endLayer() {
    model.endLayer();
    if (layerSpan != ExpertPlaces::none) spans.end(std::size_t(layerSpan), compute);
    layerSpan = ExpertPlaces::none;
  }

  void prefetch(const Decision& decision) {
    forget(decision);
    ++playback.found.prefetches;
    int expert = key(decision.layer, decision.expert), buffer = places.place(expert);
    if (decision.slot >= 0) {
      buffer = places.bufferOfSlot(decision.slot);
    } else {
      if (buffer == ExpertPlaces::none) buffer = places.freeStaging();
      if (buffer == ExpertPlaces::none) {
        throw std::runtime_error("no staging buffer is free; --staging gives more");
      }
      places.hold(buffer);
    }
    places.put(expert, buffer);
    if (!places.isWhole(buffer)) transfers.queueAhead(buffer);
    transfers.pump();
  }

  void drop(const Decision& decision) {
    int expert = key(decision.layer, decision.expert), buffer = places.place(expert);
    if (decision.why == "cancelled" && transfers.stopAhead(expert)) ++transfers.totals.cancelled;
    if (decision.why == "forgotten" && buffer != ExpertPlaces::none && places.isStaging(buffer)) {
      transfers.stopAhead(expert);
      places.clear(buffer);
    }
  }

  const DecisionLog& log;
  RehearsedModel& model;
  Transfers& transfers;
  ExpertPlaces& places;
  Spans& spans;
  cudaStream_t compute;
  bool loadThenCompute;
  Playback playback;
  std::vector<Member> members;
  TransferTotals before;
  Clock::time_point hostBegan;
  std::unique_ptr<Event> base, previousBase;
  Event gated{false}, ended{false};
  bool isGateAwaited = false;
  int layer = 0, nextLayer = 0, rowTurn = 0, layerSpan = ExpertPlaces::none;
  std::size_t stepSpan = 0;
};

}  // namespace calibration
