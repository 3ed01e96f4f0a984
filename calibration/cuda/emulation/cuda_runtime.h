// SPDX-License-Identifier: GPL-3.0-or-later
// The part of the CUDA runtime that these programs use, on the host; see README.md.
#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "kernel_language.h"
#include "streams.h"

#define CUDART_VERSION 13000

enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorMemoryAllocation = 2, cudaErrorNotReady = 600 };
enum cudaMemcpyKind {
  cudaMemcpyHostToHost,
  cudaMemcpyHostToDevice,
  cudaMemcpyDeviceToHost,
  cudaMemcpyDeviceToDevice,
  cudaMemcpyDefault
};
enum cudaDeviceAttr { cudaDevAttrMemoryClockRate, cudaDevAttrGlobalMemoryBusWidth };
enum cudaStreamCaptureMode { cudaStreamCaptureModeGlobal, cudaStreamCaptureModeThreadLocal };
enum { cudaStreamNonBlocking = 1, cudaEventDefault = 0, cudaEventDisableTiming = 2 };
enum { cudaHostAllocDefault = 0, cudaHostAllocPortable = 1 };

using cudaStream_t = emulation::Stream*;
using cudaEvent_t = emulation::Event*;
struct EmulatedGraph {
  std::vector<std::function<void()>> work;
};
using cudaGraph_t = EmulatedGraph*;
using cudaGraphExec_t = EmulatedGraph*;

struct cudaDeviceProp {
  char name[256];
  int major, minor, multiProcessorCount, l2CacheSize, asyncEngineCount;
  std::size_t totalGlobalMem, sharedMemPerBlock;
};

namespace emulation {
/// What the emulated device has, and what of it is taken.
inline std::size_t deviceMemory = std::size_t(768) << 20;
inline std::size_t taken = 0;
inline std::map<void*, std::size_t> allocations;
inline std::map<void*, std::size_t> locked;
inline bool isLocked(const void* pointer) {
  auto next = locked.upper_bound(const_cast<void*>(pointer));
  if (next == locked.begin()) return false;
  --next;
  return static_cast<const char*>(pointer) < static_cast<char*>(next->first) + next->second;
}
}  // namespace emulation

inline const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaSuccess                  ? "no error"
         : error == cudaErrorMemoryAllocation ? "out of memory"
                                              : "invalid value";
}
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline cudaError_t cudaGetDeviceCount(int* count) { return *count = 1, cudaSuccess; }
inline cudaError_t cudaSetDevice(int) { return cudaSuccess; }
inline cudaError_t cudaDriverGetVersion(int* version) { return *version = 13000, cudaSuccess; }
inline cudaError_t cudaRuntimeGetVersion(int* version) { return *version = 13000, cudaSuccess; }
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {};
  std::strcpy(properties->name, "emulated on the host");
  properties->multiProcessorCount = 4;
  properties->l2CacheSize = 1 << 16;
  properties->asyncEngineCount = 2;
  properties->totalGlobalMem = emulation::deviceMemory;
  properties->sharedMemPerBlock = 48 << 10;
  return cudaSuccess;
}
inline cudaError_t cudaMemGetInfo(std::size_t* available, std::size_t* total) {
  *available = emulation::deviceMemory - emulation::taken;
  *total = emulation::deviceMemory;
  return cudaSuccess;
}

inline cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
  if (emulation::taken + bytes > emulation::deviceMemory) return cudaErrorMemoryAllocation;
  *pointer = std::calloc(bytes ? bytes : 1, 1);
  emulation::allocations[*pointer] = bytes;
  emulation::taken += bytes;
  return cudaSuccess;
}
inline cudaError_t cudaFree(void* pointer) {
  if (!pointer) return cudaSuccess;
  emulation::drainAll();
  auto found = emulation::allocations.find(pointer);
  if (found == emulation::allocations.end()) return cudaErrorInvalidValue;
  emulation::taken -= found->second;
  emulation::allocations.erase(found);
  std::free(pointer);
  return cudaSuccess;
}
inline cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned) {
  *pointer = std::calloc(bytes ? bytes : 1, 1);
  emulation::locked[*pointer] = bytes;
  return cudaSuccess;
}
inline cudaError_t cudaFreeHost(void* pointer) {
  emulation::drainAll();
  emulation::locked.erase(pointer);
  std::free(pointer);
  return cudaSuccess;
}

inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  return *stream = emulation::createStream(), cudaSuccess;
}
inline cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned, int) {
  return *stream = emulation::createStream(), cudaSuccess;
}
inline cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  return *least = 0, *greatest = -1, cudaSuccess;
}
inline cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return emulation::destroyStream(stream), cudaSuccess;
}
inline cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return emulation::drain(stream), cudaSuccess;
}
inline cudaError_t cudaDeviceSynchronize() { return emulation::drainAll(), cudaSuccess; }
inline cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned = 0) {
  return emulation::wait(stream, event), cudaSuccess;
}

inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  return *event = new emulation::Event, cudaSuccess;
}
inline cudaError_t cudaEventDestroy(cudaEvent_t event) {
  emulation::drainAll();
  delete event;
  return cudaSuccess;
}
inline cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return emulation::record(stream, event), cudaSuccess;
}
inline cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return emulation::synchronise(event), cudaSuccess;
}
/// Asking passes time: one piece of work somewhere is done first.
inline cudaError_t cudaEventQuery(cudaEvent_t event) {
  if (event->done < event->recorded) emulation::step();
  return event->done < event->recorded ? cudaErrorNotReady : cudaSuccess;
}
inline cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  if (from->done == 0 || to->done == 0) return cudaErrorInvalidValue;
  *milliseconds = std::chrono::duration<float, std::milli>(to->time - from->time).count();
  return cudaSuccess;
}

inline cudaError_t cudaMemcpyAsync(
    void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  bool pageable = (kind == cudaMemcpyHostToDevice && !emulation::isLocked(from)) ||
                  (kind == cudaMemcpyDeviceToHost && !emulation::isLocked(to));
  emulation::enqueue(stream, [=] { std::memcpy(to, from, bytes); });
  if (pageable) emulation::drain(stream);
  return cudaSuccess;
}
inline cudaError_t cudaMemcpy(
    void* to, const void* from, std::size_t bytes, cudaMemcpyKind) {
  emulation::drainAll();
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}
inline cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  emulation::enqueue(stream, [=] { std::memset(to, value, bytes); });
  return cudaSuccess;
}

inline cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  emulation::drain(stream);
  return stream->capturing = true, cudaSuccess;
}
inline cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  *graph = new EmulatedGraph;
  for (auto& item : stream->captured) (*graph)->work.push_back(item);
  stream->captured.clear();
  return stream->capturing = false, cudaSuccess;
}
inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long = 0) {
  return *executable = new EmulatedGraph(*graph), cudaSuccess;
}
inline cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  for (auto& item : executable->work) emulation::enqueue(stream, item);
  return cudaSuccess;
}
inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  return delete executable, cudaSuccess;
}
inline cudaError_t cudaGraphDestroy(cudaGraph_t graph) { return delete graph, cudaSuccess; }
