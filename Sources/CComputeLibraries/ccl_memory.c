// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE
#include "CComputeLibraries.h"

#include <errno.h>
#include <sys/mman.h>
#include <time.h>

static const size_t boundary = 2u << 20;

static size_t rounded(size_t bytes) { return (bytes + boundary - 1) / boundary * boundary; }

void *ccl_allocate(size_t bytes, bool huge_pages) {
  size_t size = rounded(bytes ? bytes : 1);
  // One boundary more, of which what is before and after is given back.
  char *whole = mmap(NULL, size + boundary, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (whole == MAP_FAILED) return NULL;
  size_t before = (boundary - (uintptr_t)whole % boundary) % boundary;
  if (before) munmap(whole, before);
  char *memory = whole + before;
  if (boundary - before) munmap(memory + size, boundary - before);
#ifdef MADV_HUGEPAGE
  madvise(memory, size, huge_pages ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
#endif
  for (size_t at = 0; at < size; at += 4096) ((volatile char *)memory)[at] = 0;
  return memory;
}

void ccl_free(void *memory, size_t bytes) {
  if (memory) munmap(memory, rounded(bytes ? bytes : 1));
}

int ccl_lock(void *memory, size_t bytes) { return mlock(memory, bytes) == 0 ? 0 : errno; }

int ccl_unlock(void *memory, size_t bytes) { return munlock(memory, bytes) == 0 ? 0 : errno; }

double ccl_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

// SplitMix64's mixing of a counter: each word depends on its place and the seed alone.
static inline uint64_t mixed(uint64_t seed, uint64_t place) {
  uint64_t z = seed + (place + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void ccl_fill_bytes(void *memory, size_t bytes, uint64_t seed) {
  uint64_t *words = memory;
  size_t count = bytes / 8;
  for (size_t place = 0; place < count; place++) words[place] = mixed(seed, place);
  uint64_t last = mixed(seed, count);
  for (size_t at = count * 8; at < bytes; at++, last >>= 8) ((uint8_t *)memory)[at] = (uint8_t)last;
}

static inline float uniform(uint64_t word, float scale) {
  return (float)((int32_t)(word >> 40) - (1 << 23)) * (scale / (float)(1 << 23));
}

void ccl_fill_float(float *values, size_t count, uint64_t seed, float scale) {
  for (size_t place = 0; place < count; place++) values[place] = uniform(mixed(seed, place), scale);
}

void ccl_fill_bfloat16(uint16_t *values, size_t count, uint64_t seed, float scale) {
  for (size_t place = 0; place < count; place++) {
    float value = uniform(mixed(seed, place), scale);
    uint32_t bits;
    __builtin_memcpy(&bits, &value, 4);
    values[place] = (uint16_t)(bits >> 16);
  }
}
