// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE
#include "CComputeLibraries.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

// Of the interface of CBLAS, what is used here.
enum { row_major = 101, no_transpose = 111, transpose = 112 };
typedef void (*sgemm)(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                      const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
typedef void (*sgemv)(int order, int transpose, int m, int n, float alpha, const float *a, int lda,
                      const float *x, int incx, float beta, float *y, int incy);

struct ccl_openblas {
  sgemm gemm;
  sgemv gemv;
  void (*set_threads)(int);
  const char *(*config)(void);
  const char *(*core)(void);
  bool has_bfloat16;
};

ccl_openblas *ccl_openblas_open(const char *name, char *message, size_t size) {
  void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    snprintf(message, size, "%s", dlerror());
    return NULL;
  }
  ccl_openblas *library = calloc(1, sizeof *library);
  if (!library) return NULL;
  library->gemm = (sgemm)dlsym(handle, "cblas_sgemm");
  library->gemv = (sgemv)dlsym(handle, "cblas_sgemv");
  library->set_threads = (void (*)(int))dlsym(handle, "openblas_set_num_threads");
  library->config = (const char *(*)(void))dlsym(handle, "openblas_get_config");
  library->core = (const char *(*)(void))dlsym(handle, "openblas_get_corename");
  library->has_bfloat16 = dlsym(handle, "cblas_sbgemm") != NULL;
  if (!library->gemm || !library->gemv || !library->set_threads || !library->config) {
    snprintf(message, size, "%s is not OpenBLAS with its C interface", name);
    free(library);
    dlclose(handle);
    return NULL;
  }
  return library;
}

const char *ccl_openblas_config(const ccl_openblas *library) { return library->config(); }

const char *ccl_openblas_core(const ccl_openblas *library) {
  return library->core ? library->core() : "unknown";
}

void ccl_openblas_set_threads(const ccl_openblas *library, int threads) {
  library->set_threads(threads);
}

bool ccl_openblas_has_bfloat16(const ccl_openblas *library) { return library->has_bfloat16; }

void ccl_openblas_product(const ccl_openblas *library, int m, int n, int k, const float *x,
                          const float *w, float *y) {
  if (m == 1) {
    library->gemv(row_major, no_transpose, n, k, 1, w, k, x, 1, 0, y, 1);
  } else {
    library->gemm(row_major, no_transpose, transpose, m, n, k, 1, x, k, w, k, 0, y, n);
  }
}
