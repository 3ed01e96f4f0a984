// SPDX-License-Identifier: GPL-3.0-or-later
// The products of cuBLAS that these programs use, by plain loops; column-major as there.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <vector>

#define CUBLAS_VER_MAJOR 13

enum cublasStatus_t { CUBLAS_STATUS_SUCCESS = 0, CUBLAS_STATUS_INVALID_VALUE = 7 };
enum cublasOperation_t { CUBLAS_OP_N, CUBLAS_OP_T };
enum cudaDataType_t { CUDA_R_32F, CUDA_R_16BF };
enum cublasComputeType_t { CUBLAS_COMPUTE_32F };
enum cublasGemmAlgo_t { CUBLAS_GEMM_DEFAULT };
struct EmulatedBlas {
  cudaStream_t stream = nullptr;
};
using cublasHandle_t = EmulatedBlas*;

namespace emulation {
inline float element(const void* matrix, cudaDataType_t type, std::size_t index) {
  if (type == CUDA_R_32F) return static_cast<const float*>(matrix)[index];
  return __bfloat162float(static_cast<const __nv_bfloat16*>(matrix)[index]);
}
inline void product(
    cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k, float alpha, const void* a,
    cudaDataType_t at, int lda, const void* b, cudaDataType_t bt, int ldb, float beta, void* c,
    cudaDataType_t ct, int ldc) {
  for (int j = 0; j < n; ++j)
    for (int i = 0; i < m; ++i) {
      float sum = 0;
      for (int l = 0; l < k; ++l) {
        std::size_t ai = ta == CUBLAS_OP_N ? i + std::size_t(l) * lda : l + std::size_t(i) * lda;
        std::size_t bi = tb == CUBLAS_OP_N ? l + std::size_t(j) * ldb : j + std::size_t(l) * ldb;
        sum += element(a, at, ai) * element(b, bt, bi);
      }
      std::size_t ci = i + std::size_t(j) * ldc;
      float value = alpha * sum + (beta == 0 ? 0 : beta * element(c, ct, ci));
      if (ct == CUDA_R_32F) {
        static_cast<float*>(c)[ci] = value;
      } else {
        static_cast<__nv_bfloat16*>(c)[ci] = __float2bfloat16(value);
      }
    }
}
inline std::size_t typeBytes(cudaDataType_t type) { return type == CUDA_R_32F ? 4 : 2; }
}  // namespace emulation

inline cublasStatus_t cublasCreate(cublasHandle_t* handle) {
  return *handle = new EmulatedBlas, CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasDestroy(cublasHandle_t handle) {
  return delete handle, CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasGetVersion(cublasHandle_t, int* version) {
  return *version = 0, CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  return handle->stream = stream, CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasSetWorkspace(cublasHandle_t, void*, std::size_t) {
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasGemmStridedBatchedEx(
    cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k,
    const void* alpha, const void* a, cudaDataType_t at, int lda, long long sa, const void* b,
    cudaDataType_t bt, int ldb, long long sb, const void* beta, void* c, cudaDataType_t ct, int ldc,
    long long sc, int count, cublasComputeType_t, cublasGemmAlgo_t) {
  float alphaValue = *static_cast<const float*>(alpha), betaValue = *static_cast<const float*>(beta);
  emulation::enqueue(handle->stream, [=] {
    for (int i = 0; i < count; ++i)
      emulation::product(
          ta, tb, m, n, k, alphaValue,
          static_cast<const char*>(a) + i * sa * (long long)emulation::typeBytes(at), at, lda,
          static_cast<const char*>(b) + i * sb * (long long)emulation::typeBytes(bt), bt, ldb,
          betaValue, static_cast<char*>(c) + i * sc * (long long)emulation::typeBytes(ct), ct, ldc);
  });
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasGemmEx(
    cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k,
    const void* alpha, const void* a, cudaDataType_t at, int lda, const void* b, cudaDataType_t bt,
    int ldb, const void* beta, void* c, cudaDataType_t ct, int ldc, cublasComputeType_t compute,
    cublasGemmAlgo_t algorithm) {
  return cublasGemmStridedBatchedEx(
      handle, ta, tb, m, n, k, alpha, a, at, lda, 0, b, bt, ldb, 0, beta, c, ct, ldc, 0, 1, compute,
      algorithm);
}
/// Shapes and factors are host arrays, read at once; pointers are a device array, read when it runs.
inline cublasStatus_t cublasGemmGroupedBatchedEx(
    cublasHandle_t handle, const cublasOperation_t ta[], const cublasOperation_t tb[],
    const int m[], const int n[], const int k[], const void* alpha, const void* const a[],
    cudaDataType_t at, const int lda[], const void* const b[], cudaDataType_t bt, const int ldb[],
    const void* beta, void* const c[], cudaDataType_t ct, const int ldc[], int groups,
    const int size[], cublasComputeType_t) {
  int next = 0;
  for (int g = 0; g < groups; ++g)
    for (int i = 0; i < size[g]; ++i, ++next) {
      int at_ = next, M = m[g], N = n[g], K = k[g], LA = lda[g], LB = ldb[g], LC = ldc[g];
      auto TA = ta[g], TB = tb[g];
      float alphaValue = static_cast<const float*>(alpha)[g];
      float betaValue = static_cast<const float*>(beta)[g];
      emulation::enqueue(handle->stream, [=] {
        emulation::product(
            TA, TB, M, N, K, alphaValue, a[at_], at, LA, b[at_], bt, LB, betaValue, c[at_], ct, LC);
      });
    }
  return CUBLAS_STATUS_SUCCESS;
}
