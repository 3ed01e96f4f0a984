// SPDX-License-Identifier: GPL-3.0-or-later
// Products of row-major bf16 matrices by cuBLAS, summed in single precision.
#pragma once

#include <cublas_v2.h>

#include <string>
#include <vector>

#include "runtime.h"

// cublasGemmGroupedBatchedEx came with cuBLAS 12.5.
#if CUDART_VERSION >= 12050
#define CALIBRATION_GROUPED_GEMM 1
#endif

namespace calibration {

inline void require(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS) {
    throw std::runtime_error(
        std::string(what) + ": cuBLAS status " + std::to_string(int(status)));
  }
}

/// One product C = A * W^T of a group: A is `rows` x k, W is n x k, C is `rows` x n.
struct GroupMember {
  int rows = 0;
  const void* a = nullptr;
  const void* w = nullptr;
  void* c = nullptr;
};

/// A group whose pointers lie on the device, ready to be launched time and again.
struct PreparedGroup {
  std::vector<cublasOperation_t> transposed, plain;
  std::vector<int> m, n, k, one, ldw, lda, ldc;
  std::vector<float> alpha, beta;
  DeviceBuffer<void*> pointers;
  int count = 0;
};

class Blas {
 public:
  explicit Blas(cudaStream_t stream) : workspace(std::size_t(32) << 20) {
    require(cublasCreate(&handle), "a cuBLAS handle");
    require(cublasSetStream(handle, stream), "cuBLAS's stream");
    // A workspace of its own: 32 MiB is what NVIDIA recommends for Hopper; graphs need it fixed.
    require(cublasSetWorkspace(handle, workspace.data(), workspace.size()), "cuBLAS's workspace");
  }
  Blas(const Blas&) = delete;
  ~Blas() { cublasDestroy(handle); }

  /// C (m x n) = A (m x k) * W^T, with W (n x k); `c` is bf16, or single precision where asked.
  void product(
      int m, int n, int k, const void* a, const void* w, void* c, bool singlePrecision = false) {
    const float one = 1, zero = 0;
    require(
        cublasGemmEx(
            handle, CUBLAS_OP_T, CUBLAS_OP_N, n, m, k, &one, w, CUDA_R_16BF, k, a, CUDA_R_16BF, k,
            &zero, c, singlePrecision ? CUDA_R_32F : CUDA_R_16BF, n, CUBLAS_COMPUTE_32F,
            CUBLAS_GEMM_DEFAULT),
        "a product");
  }

  /// `count` products C = scale * A * B^T (B n x k), or A * B (B k x n) where `plain`; A's, B's and
  /// C's lie `strideA`, `strideB`, `strideC` elements apart.
  void batch(
      bool plain, int count, int m, int n, int k, float scale, const void* a, long long strideA,
      const void* b, long long strideB, void* c, long long strideC, bool singlePrecision) {
    const float zero = 0;
    require(
        cublasGemmStridedBatchedEx(
            handle, plain ? CUBLAS_OP_N : CUBLAS_OP_T, CUBLAS_OP_N, n, m, k, &scale, b, CUDA_R_16BF,
            plain ? n : k, strideB, a, CUDA_R_16BF, k, strideA, &zero, c,
            singlePrecision ? CUDA_R_32F : CUDA_R_16BF, n, strideC, count, CUBLAS_COMPUTE_32F,
            CUBLAS_GEMM_DEFAULT),
        "a batch of products");
  }

#ifdef CALIBRATION_GROUPED_GEMM
  static constexpr bool hasGrouped = true;

  /// Copies the pointers of a group to the device.
  PreparedGroup prepare(int n, int k, const std::vector<GroupMember>& members) {
    PreparedGroup group;
    std::size_t count = members.size();
    group.count = int(count);
    group.transposed.assign(count, CUBLAS_OP_T);
    group.plain.assign(count, CUBLAS_OP_N);
    group.m.assign(count, n);
    group.k.assign(count, k);
    group.one.assign(count, 1);
    group.ldw.assign(count, k);
    group.lda.assign(count, k);
    group.ldc.assign(count, n);
    group.alpha.assign(count, 1);
    group.beta.assign(count, 0);
    std::vector<void*> pointers(3 * count);
    for (std::size_t i = 0; i < count; ++i) {
      group.n.push_back(members[i].rows);
      pointers[i] = const_cast<void*>(members[i].w);
      pointers[count + i] = const_cast<void*>(members[i].a);
      pointers[2 * count + i] = members[i].c;
    }
    group.pointers = DeviceBuffer<void*>(pointers.size());
    require(
        cudaMemcpy(
            group.pointers.data(), pointers.data(), pointers.size() * sizeof(void*),
            cudaMemcpyHostToDevice),
        "a group's pointers");
    return group;
  }

  void grouped(const PreparedGroup& group) {
    void** pointers = group.pointers.data();
    require(
        cublasGemmGroupedBatchedEx(
            handle, group.transposed.data(), group.plain.data(), group.m.data(), group.n.data(),
            group.k.data(), group.alpha.data(), pointers, CUDA_R_16BF, group.ldw.data(),
            pointers + group.count, CUDA_R_16BF, group.lda.data(), group.beta.data(),
            pointers + 2 * group.count, CUDA_R_16BF, group.ldc.data(), group.count,
            group.one.data(), CUBLAS_COMPUTE_32F),
        "a group of products");
  }
#else
  static constexpr bool hasGrouped = false;
  PreparedGroup prepare(int, int, const std::vector<GroupMember>&) { return {}; }
  void grouped(const PreparedGroup&) {}
#endif

 private:
  cublasHandle_t handle = nullptr;
  DeviceBuffer<char> workspace;
};

inline std::string blasVersion() {
  cublasHandle_t handle = nullptr;
  int version = 0;
  require(cublasCreate(&handle), "a cuBLAS handle");
  cublasStatus_t status = cublasGetVersion(handle, &version);
  cublasDestroy(handle);
  require(status, "cuBLAS's version");
  // 120503 in cuBLAS 12: two digits each for the minor version and the patch.
  return std::to_string(version / 10000) + "." + std::to_string(version % 10000 / 100) + "." +
         std::to_string(version % 100);
}

}  // namespace calibration
