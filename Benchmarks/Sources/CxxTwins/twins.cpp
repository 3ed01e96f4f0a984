// SPDX-License-Identifier: GPL-3.0-or-later

#include "CxxTwins.h"

#include <cstddef>
#include <queue>
#include <vector>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace {

/// xorshift64* (Vigna 2016), the same in the Swift programs.
struct Random {
  uint64_t state = 0x9E3779B97F4A7C15ull;
  uint64_t next() {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545F4914F6CDD1Dull;
  }
};

inline uint64_t increment(Random &random, const uint32_t *table) {
  return table[random.next() >> 50];
}

/// std::priority_queue of (time, sequence, payload).
struct PriorityQueue {
  struct Event {
    uint64_t time;
    uint64_t sequence;
    uint32_t payload;
    bool operator<(const Event &other) const {
      return time != other.time ? time > other.time : sequence > other.sequence;
    }
  };
  std::priority_queue<Event> queue;
  uint64_t sequence = 0;
  void push(uint64_t time, uint32_t payload) { queue.push({time, sequence++, payload}); }
  bool empty() const { return queue.empty(); }
  uint64_t topTime() const { return queue.top().time; }
  uint32_t topPayload() const { return queue.top().payload; }
  void pop() { queue.pop(); }
};

/// 4-ary heap of 16-byte keys: time, sequence (40 bits), payload (24 bits).
struct Heap16 {
  using Key = unsigned __int128;
  std::vector<Key> keys;
  uint64_t sequence = 0;
  Key key(uint64_t time, uint32_t payload) {
    return (Key(time) << 64) | (sequence++ << 24) | payload;
  }
  void push(uint64_t time, uint32_t payload) {
    const Key added = key(time, payload);
    size_t hole = keys.size();
    keys.push_back(added);
    while (hole > 0) {
      const size_t parent = (hole - 1) / 4;
      if (keys[parent] <= added) break;
      keys[hole] = keys[parent];
      hole = parent;
    }
    keys[hole] = added;
  }
  bool empty() const { return keys.empty(); }
  uint64_t topTime() const { return uint64_t(keys[0] >> 64); }
  uint32_t topPayload() const { return uint32_t(keys[0]) & 0xFFFFFF; }
  void pop() {
    const Key last = keys.back();
    keys.pop_back();
    if (!keys.empty()) siftDown(last);
  }
  void replace(uint64_t time, uint32_t payload) { siftDown(key(time, payload)); }
  void siftDown(Key moved) {
    Key *const base = keys.data();
    const size_t count = keys.size();
    size_t hole = 0;
    for (;;) {
      const size_t child = 4 * hole + 1;
      size_t least;
      if (child + 3 < count) {
        const size_t left = child + (base[child + 1] < base[child]);
        const size_t right = child + 2 + (base[child + 3] < base[child + 2]);
        least = base[right] < base[left] ? right : left;
      } else {
        if (child >= count) break;
        least = child;
        for (size_t other = child + 1; other < count; ++other)
          if (base[other] < base[least]) least = other;
      }
      if (moved <= base[least]) break;
      base[hole] = base[least];
      hole = least;
    }
    base[hole] = moved;
  }
};

template <class Queue, bool replaces>
TwinResult hold(uint64_t pending, uint64_t count, const uint32_t *table) {
  Queue queue;
  Random random;
  uint64_t checksum = 0;
  uint64_t now = 0;
  for (uint64_t index = 0; index < pending; ++index)
    queue.push(increment(random, table), uint32_t(index));
  for (uint64_t step = 0; step < count; ++step) {
    now = queue.topTime();
    const uint32_t payload = queue.topPayload();
    checksum = checksum * 31 + payload;
    const uint64_t time = now + increment(random, table);
    if constexpr (replaces) {
      queue.replace(time, payload);
    } else {
      queue.pop();
      queue.push(time, payload);
    }
  }
  return {checksum, now};
}

constexpr uint32_t none = ~uint32_t(0);

struct Station {
  uint32_t serving = none;
  uint32_t head = none;
  uint32_t tail = none;
};

struct Customer {
  uint64_t joined = 0;
  uint64_t service = 0;
  uint64_t wait = 0;
  uint32_t next = none;
  uint32_t station = 0;
};

template <class Queue>
TwinResult network(
  uint64_t customerCount, uint64_t stationCount, uint64_t cycles, const uint32_t *table) {
  Queue queue;
  Random random;
  std::vector<Station> stations(stationCount);
  std::vector<Customer> customers(customerCount);
  uint64_t totalWait = 0;
  uint64_t now = 0;
  auto start = [&](uint32_t name) {
    customers[name].wait = now - customers[name].joined;
    queue.push(now + customers[name].service, name);
  };
  auto join = [&](uint32_t name) {
    const uint32_t place = uint32_t(((random.next() >> 32) * stationCount) >> 32);
    Station &station = stations[place];
    Customer &customer = customers[name];
    customer.station = place;
    customer.joined = now;
    customer.service = increment(random, table);
    if (station.serving == none) {
      station.serving = name;
      start(name);
    } else {
      customer.next = none;
      if (station.head == none) {
        station.head = name;
      } else {
        customers[station.tail].next = name;
      }
      station.tail = name;
    }
  };
  for (uint64_t index = 0; index < customerCount; ++index) join(uint32_t(index));
  for (uint64_t cycle = 0; cycle < cycles; ++cycle) {
    now = queue.topTime();
    const uint32_t name = queue.topPayload();
    queue.pop();
    totalWait += customers[name].wait;
    Station &station = stations[customers[name].station];
    const uint32_t head = station.head;
    station.serving = head;
    if (head != none) {
      station.head = customers[head].next;
      start(head);
    }
    join(name);
  }
  return {totalWait, now};
}

template <class Queue>
TwinResult mm1(uint64_t customerCount, const uint32_t *table) {
  constexpr uint32_t arrival = 0, departure = 1;
  Queue queue;
  Random random;
  struct Waiting {
    uint64_t since;
    uint64_t service;
  };
  std::vector<Waiting> waiting(1024);
  size_t head = 0, tail = 0;
  bool busy = false;
  uint64_t totalWait = 0, now = 0, arrived = 0, departed = 0;
  queue.push(increment(random, table) * 4 / 3, arrival);
  while (departed < customerCount) {
    now = queue.topTime();
    const uint32_t kind = queue.topPayload();
    queue.pop();
    if (kind == arrival) {
      if (++arrived < customerCount) queue.push(now + increment(random, table) * 4 / 3, arrival);
      const uint64_t service = increment(random, table);
      if (busy) {
        waiting[tail++ & 1023] = {now, service};
      } else {
        busy = true;
        queue.push(now + service, departure);
      }
    } else {
      ++departed;
      if (head != tail) {
        const Waiting next = waiting[head++ & 1023];
        totalWait += now - next.since;
        queue.push(now + next.service, departure);
      } else {
        busy = false;
      }
    }
  }
  return {totalWait, now};
}

}  // namespace

extern "C" {

void twin_trim_memory(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

TwinResult twin_hold_priority_queue(uint64_t pending, uint64_t count, const uint32_t *table) {
  return hold<PriorityQueue, false>(pending, count, table);
}
TwinResult twin_hold_heap16(uint64_t pending, uint64_t count, const uint32_t *table) {
  return hold<Heap16, false>(pending, count, table);
}
TwinResult twin_hold_heap16_replace(uint64_t pending, uint64_t count, const uint32_t *table) {
  return hold<Heap16, true>(pending, count, table);
}
TwinResult twin_network_priority_queue(
  uint64_t customers, uint64_t stations, uint64_t cycles, const uint32_t *table) {
  return network<PriorityQueue>(customers, stations, cycles, table);
}
TwinResult twin_network_heap16(
  uint64_t customers, uint64_t stations, uint64_t cycles, const uint32_t *table) {
  return network<Heap16>(customers, stations, cycles, table);
}
TwinResult twin_mm1_priority_queue(uint64_t customers, const uint32_t *table) {
  return mm1<PriorityQueue>(customers, table);
}
TwinResult twin_mm1_heap16(uint64_t customers, const uint32_t *table) {
  return mm1<Heap16>(customers, table);
}
}
