// SPDX-License-Identifier: GPL-3.0-or-later
//
// Threads that each keep one pread under way: as many reads in flight as threads. A thread per read
// costs a switch for each, some microseconds against the hundred or more of a drive's read, and works
// wherever files can be read.
#define _GNU_SOURCE
#include "CComputeLibraries.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct request {
  int64_t number;
  uint64_t offset;
  size_t length, handed, chunk;  // `handed` bytes have begun
  char *buffer;
  int under_way;
  bool urgent, is_done, is_cancelled;
  ccl_read_times times;
  struct request *next;
} request;

struct ccl_reader {
  int file, depth;
  const char *memory;
  size_t memory_bytes;
  pthread_t *threads;
  pthread_mutex_t lock;
  pthread_cond_t work, done;
  request *first;  // all requests not yet waited for, in order of arrival
  int64_t count;
  double rate, link_free;
  bool closes;
};

// The next request with pieces that wait: urgent ones first, else in order of arrival.
static request *next_request(ccl_reader *reader) {
  request *other = NULL;
  for (request *it = reader->first; it; it = it->next) {
    if (it->is_done || it->handed >= it->length) continue;
    if (it->urgent) return it;
    if (!other) other = it;
  }
  return other;
}

static int read_piece(ccl_reader *reader, char *buffer, size_t size, uint64_t offset) {
  if (reader->file < 0) {
    if (offset > reader->memory_bytes || size > reader->memory_bytes - offset) return ENXIO;
    memcpy(buffer, reader->memory + offset, size);
    return 0;
  }
  while (size > 0) {
    ssize_t got = pread(reader->file, buffer, size, (off_t)offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return ENXIO;
    buffer += got;
    offset += (uint64_t)got;
    size -= (size_t)got;
  }
  return 0;
}

static void sleep_until(double time) {
  struct timespec end = {(time_t)time, (long)((time - (double)(time_t)time) * 1e9)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR) {
  }
}

static void end_if_done(ccl_reader *reader, request *it) {
  if (it->under_way > 0 || it->handed < it->length || it->is_done) return;
  it->is_done = true;
  it->times.ended = ccl_now();
  pthread_cond_broadcast(&reader->done);
}

static void *serve(void *argument) {
  ccl_reader *reader = argument;
  pthread_mutex_lock(&reader->lock);
  for (;;) {
    request *it;
    while (!(it = next_request(reader)) && !reader->closes)
      pthread_cond_wait(&reader->work, &reader->lock);
    if (reader->closes) break;
    size_t at = it->handed, size = it->length - at < it->chunk ? it->length - at : it->chunk;
    double now = ccl_now(), paced_end = 0;
    if (at == 0) it->times.began = now;
    it->handed += size;
    it->under_way++;
    if (reader->rate > 0) {
      double begin = reader->link_free > now ? reader->link_free : now;
      reader->link_free = paced_end = begin + (double)size / reader->rate;
    }
    pthread_mutex_unlock(&reader->lock);
    int error = read_piece(reader, it->buffer + at, size, it->offset + at);
    if (paced_end > 0) sleep_until(paced_end);
    pthread_mutex_lock(&reader->lock);
    it->under_way--;
    if (error) {
      it->times.error = error;
      it->handed = it->length;
    }
    end_if_done(reader, it);
  }
  pthread_mutex_unlock(&reader->lock);
  return NULL;
}

static ccl_reader *start(int file, const void *memory, size_t bytes, int depth) {
  ccl_reader *reader = calloc(1, sizeof *reader);
  if (!reader) return NULL;
  reader->file = file;
  reader->memory = memory;
  reader->memory_bytes = bytes;
  reader->threads = calloc((size_t)depth, sizeof *reader->threads);
  pthread_mutex_init(&reader->lock, NULL);
  pthread_cond_init(&reader->work, NULL);
  pthread_cond_init(&reader->done, NULL);
  for (int index = 0; index < depth; index++) {
    if (pthread_create(&reader->threads[index], NULL, serve, reader) != 0) {
      ccl_reader_close(reader);
      return NULL;
    }
    reader->depth = index + 1;
  }
  return reader;
}

ccl_reader *ccl_reader_open(const char *path, int depth, bool direct, int *error) {
  int flags = O_RDONLY | O_CLOEXEC;
#ifdef O_DIRECT
  if (direct) flags |= O_DIRECT;
#else
  if (direct) {
    *error = ENOTSUP;
    return NULL;
  }
#endif
  int file = open(path, flags);
  if (file < 0) {
    *error = errno;
    return NULL;
  }
  ccl_reader *reader = start(file, NULL, 0, depth);
  if (!reader) *error = EAGAIN;
  return reader;
}

ccl_reader *ccl_reader_open_memory(const void *memory, size_t bytes, int depth) {
  return start(-1, memory, bytes, depth);
}

void ccl_reader_set_rate(ccl_reader *reader, double bytes_per_second) {
  pthread_mutex_lock(&reader->lock);
  reader->rate = bytes_per_second;
  reader->link_free = 0;
  pthread_mutex_unlock(&reader->lock);
}

int64_t ccl_reader_submit(ccl_reader *reader, uint64_t offset, size_t length, void *buffer,
                          size_t chunk, bool urgent) {
  request *it = calloc(1, sizeof *it);
  if (!it) return -1;
  it->offset = offset;
  it->length = length;
  it->buffer = buffer;
  it->chunk = chunk ? chunk : length;
  it->urgent = urgent;
  pthread_mutex_lock(&reader->lock);
  it->number = reader->count++;
  it->times.submitted = ccl_now();
  request **end = &reader->first;
  while (*end) end = &(*end)->next;
  *end = it;
  end_if_done(reader, it);
  // As many threads as the request has pieces, at most all.
  if (it->chunk < length) {
    pthread_cond_broadcast(&reader->work);
  } else {
    pthread_cond_signal(&reader->work);
  }
  int64_t number = it->number;
  pthread_mutex_unlock(&reader->lock);
  return number;
}

static request *find(ccl_reader *reader, int64_t number) {
  request *it = reader->first;
  while (it && it->number != number) it = it->next;
  return it;
}

void ccl_reader_hurry(ccl_reader *reader, int64_t number) {
  pthread_mutex_lock(&reader->lock);
  request *it = find(reader, number);
  if (it) it->urgent = true;
  pthread_mutex_unlock(&reader->lock);
}

void ccl_reader_cancel(ccl_reader *reader, int64_t number) {
  pthread_mutex_lock(&reader->lock);
  request *it = find(reader, number);
  if (it && it->handed < it->length) {
    it->handed = it->length;
    it->times.error = ECANCELED;
    end_if_done(reader, it);
  }
  while (it && !it->is_done) pthread_cond_wait(&reader->done, &reader->lock);
  pthread_mutex_unlock(&reader->lock);
}

bool ccl_reader_is_done(ccl_reader *reader, int64_t number) {
  pthread_mutex_lock(&reader->lock);
  request *it = find(reader, number);
  bool is_done = !it || it->is_done;
  pthread_mutex_unlock(&reader->lock);
  return is_done;
}

ccl_read_times ccl_reader_wait(ccl_reader *reader, int64_t number) {
  ccl_read_times times = {0, 0, 0, EINVAL};
  pthread_mutex_lock(&reader->lock);
  request *it = find(reader, number);
  if (it) {
    while (!it->is_done) pthread_cond_wait(&reader->done, &reader->lock);
    times = it->times;
    request **link = &reader->first;
    while (*link != it) link = &(*link)->next;
    *link = it->next;
    free(it);
  }
  pthread_mutex_unlock(&reader->lock);
  return times;
}

void ccl_reader_close(ccl_reader *reader) {
  if (!reader) return;
  pthread_mutex_lock(&reader->lock);
  reader->closes = true;
  pthread_cond_broadcast(&reader->work);
  pthread_mutex_unlock(&reader->lock);
  for (int index = 0; index < reader->depth; index++) pthread_join(reader->threads[index], NULL);
  while (reader->first) {
    request *it = reader->first;
    reader->first = it->next;
    free(it);
  }
  if (reader->file >= 0) close(reader->file);
  free(reader->threads);
  free(reader);
}
