// SPDX-License-Identifier: GPL-3.0-or-later

#ifndef CXX_TWINS_H
#define CXX_TWINS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What a benchmark run has to agree on with its twin.
typedef struct {
  uint64_t checksum;
  uint64_t endTime;
} TwinResult;

/// Gives freed memory back to the system, where the C library can.
void twin_trim_memory(void);

/// Hold model: `pending` events; `count` times the earliest is taken and scheduled anew.
TwinResult twin_hold_priority_queue(uint64_t pending, uint64_t count, const uint32_t *increments);
TwinResult twin_hold_heap16(uint64_t pending, uint64_t count, const uint32_t *increments);
/// The same heap, but the new key replaces the old root in one pass.
TwinResult twin_hold_heap16_replace(
  uint64_t pending, uint64_t count, const uint32_t *increments);

/// Closed network: `cycles` services of customers that go round between FIFO stations.
TwinResult twin_network_priority_queue(
  uint64_t customers, uint64_t stations, uint64_t cycles, const uint32_t *increments);
TwinResult twin_network_heap16(
  uint64_t customers, uint64_t stations, uint64_t cycles, const uint32_t *increments);

/// M/M/1 at a load of 0.75, `customers` of them.
TwinResult twin_mm1_priority_queue(uint64_t customers, const uint32_t *increments);
TwinResult twin_mm1_heap16(uint64_t customers, const uint32_t *increments);

#ifdef __cplusplus
}
#endif

#endif
