// SPDX-License-Identifier: GPL-3.0-or-later
// Which expert lies in which buffer of the device, and how much of it has been asked for.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace calibration {

/// Every slot of the cache is a buffer, and so is every staging buffer. An expert that was fetched
/// into a staging buffer enters the cache by an exchange: its buffer becomes the slot's, and the slot's
/// becomes a staging buffer. An expert is layer * experts + number.
class ExpertPlaces {
 public:
  static constexpr int none = -1;

  ExpertPlaces(int slots, int staging, int experts, std::int64_t expertBytes, std::int64_t chunkBytes)
      : expertBytes(expertBytes), chunkBytes(chunkBytes),
        occupants(std::size_t(slots + staging), none), issued(occupants.size(), 0),
        held(occupants.size(), false), staged(occupants.size(), false),
        places(std::size_t(experts), none) {
    if (chunkBytes <= 0) throw std::runtime_error("chunks without bytes");
    for (int slot = 0; slot < slots; ++slot) slotBuffers.push_back(slot);
    for (int buffer = slots; buffer < slots + staging; ++buffer) {
      stagingBuffers.push_back(buffer);
      staged[std::size_t(buffer)] = true;
    }
  }

  int buffers() const { return int(occupants.size()); }
  /// The expert in a buffer, or `none`.
  int occupant(int buffer) const { return occupants[std::size_t(buffer)]; }
  /// The buffer of an expert, or `none`.
  int place(int expert) const { return places[std::size_t(expert)]; }
  int bufferOfSlot(int slot) const { return slotBuffers[std::size_t(slot)]; }
  bool isStaging(int buffer) const { return staged[std::size_t(buffer)]; }

  /// Bytes of the buffer's expert that have been asked for, from its front.
  std::int64_t issuedBytes(int buffer) const { return issued[std::size_t(buffer)]; }
  bool isWhole(int buffer) const { return issuedBytes(buffer) == expertBytes; }

  /// Gives a buffer to an expert; whoever was there is forgotten. What has come of the expert itself
  /// stays.
  void put(int expert, int buffer) {
    std::size_t at = std::size_t(buffer);
    if (occupants[at] == expert) return;
    if (occupants[at] != none) places[std::size_t(occupants[at])] = none;
    if (places[std::size_t(expert)] != none) clear(places[std::size_t(expert)]);
    occupants[at] = expert;
    places[std::size_t(expert)] = buffer;
    issued[at] = 0;
  }

  /// The buffer's expert is forgotten, and the buffer free.
  void clear(int buffer) {
    std::size_t at = std::size_t(buffer);
    if (occupants[at] != none) places[std::size_t(occupants[at])] = none;
    occupants[at] = none;
    issued[at] = 0;
    held[at] = false;
  }

  /// The expert of a staging buffer enters the cache. Returns the slot's former buffer, held where it
  /// has an expert, which is still to be forgotten.
  int enter(int slot, int buffer) {
    int former = slotBuffers[std::size_t(slot)];
    slotBuffers[std::size_t(slot)] = buffer;
    std::replace(stagingBuffers.begin(), stagingBuffers.end(), buffer, former);
    staged[std::size_t(buffer)] = false;
    held[std::size_t(buffer)] = false;
    staged[std::size_t(former)] = true;
    held[std::size_t(former)] = occupant(former) != none;
    return former;
  }

  /// The next bytes to ask for, up to a chunk or, where `whole`, to the end; they count as asked for.
  std::pair<std::int64_t, std::int64_t> next(int buffer, bool whole) {
    std::int64_t& done = issued[std::size_t(buffer)];
    std::int64_t from = done;
    done = whole ? expertBytes : std::min(expertBytes, done + chunkBytes);
    return {from, done - from};
  }

  /// A staging buffer that nobody holds, the one whose turn it is; `none` if all are held.
  int freeStaging() {
    std::size_t count = stagingBuffers.size();
    for (std::size_t i = 0; i < count; ++i) {
      int buffer = stagingBuffers[(turn + i) % count];
      if (!held[std::size_t(buffer)]) {
        turn = (turn + i + 1) % count;
        return buffer;
      }
    }
    return none;
  }
  void hold(int buffer) { held[std::size_t(buffer)] = true; }

 private:
  std::int64_t expertBytes, chunkBytes;
  std::vector<int> slotBuffers, stagingBuffers;
  std::vector<int> occupants;
  std::vector<std::int64_t> issued;
  std::vector<char> held, staged;
  std::vector<int> places;
  std::size_t turn = 0;
};

}  // namespace calibration
