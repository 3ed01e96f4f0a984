// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE
#include "CComputeLibraries.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

// Threads look for work this often before they sleep: some ten microseconds where a pause takes 50 ns,
// so that sections that follow each other closely do not pay for waking. Not much longer, for two
// threads that the system has put on one processor wait out each other's search.
enum { spins = 250 };

struct ccl_pool {
  int threads;
  pthread_t *handles;
  pthread_mutex_t lock;
  pthread_cond_t begin;
  atomic_ulong round;
  atomic_int running;
  atomic_bool ends;
  ccl_task task;
  void *context;
};

typedef struct {
  ccl_pool *pool;
  int index;
} seat;

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

static void *work(void *argument) {
  seat mine = *(seat *)argument;
  free(argument);
  ccl_pool *pool = mine.pool;
  unsigned long seen = 0;
  for (;;) {
    for (int spin = 0; spin < spins && atomic_load(&pool->round) == seen; spin++) relax();
    if (atomic_load(&pool->round) == seen) {
      pthread_mutex_lock(&pool->lock);
      while (atomic_load(&pool->round) == seen) pthread_cond_wait(&pool->begin, &pool->lock);
      pthread_mutex_unlock(&pool->lock);
    }
    seen++;
    if (atomic_load(&pool->ends)) return NULL;
    pool->task(pool->context, mine.index, pool->threads);
    atomic_fetch_sub(&pool->running, 1);
  }
}

ccl_pool *ccl_pool_create(int threads) {
  ccl_pool *pool = calloc(1, sizeof *pool);
  if (!pool) return NULL;
  pool->threads = 1;
  pool->handles = calloc((size_t)(threads > 1 ? threads : 1), sizeof *pool->handles);
  pthread_mutex_init(&pool->lock, NULL);
  pthread_cond_init(&pool->begin, NULL);
  for (int index = 1; index < threads; index++) {
    seat *mine = malloc(sizeof *mine);
    if (mine) *mine = (seat){pool, index};
    if (!mine || pthread_create(&pool->handles[index], NULL, work, mine) != 0) {
      free(mine);
      ccl_pool_destroy(pool);
      return NULL;
    }
    pool->threads = index + 1;
  }
  return pool;
}

static void start(ccl_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  atomic_fetch_add(&pool->round, 1);
  pthread_cond_broadcast(&pool->begin);
  pthread_mutex_unlock(&pool->lock);
}

void ccl_pool_run(ccl_pool *pool, ccl_task task, void *context) {
  if (pool->threads > 1) {
    pool->task = task;
    pool->context = context;
    atomic_store(&pool->running, pool->threads - 1);
    start(pool);
  }
  task(context, 0, pool->threads);
  if (pool->threads == 1) return;
  for (int spin = 0; atomic_load(&pool->running) > 0; spin++) {
    if (spin < spins) {
      relax();
    } else {
      sched_yield();
    }
  }
}

static void nothing(void *context, int index, int count) {
  (void)context;
  (void)index;
  (void)count;
}

void ccl_pool_run_empty(ccl_pool *pool) { ccl_pool_run(pool, nothing, NULL); }

int ccl_pool_threads(const ccl_pool *pool) { return pool->threads; }

void ccl_pool_destroy(ccl_pool *pool) {
  if (!pool) return;
  atomic_store(&pool->ends, true);
  start(pool);
  for (int index = 1; index < pool->threads; index++) pthread_join(pool->handles[index], NULL);
  pthread_cond_destroy(&pool->begin);
  pthread_mutex_destroy(&pool->lock);
  free(pool->handles);
  free(pool);
}
