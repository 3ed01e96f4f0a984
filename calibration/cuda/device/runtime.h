// SPDX-License-Identifier: GPL-3.0-or-later
// CUDA's objects as C++ values: errors are exceptions, what was allocated is freed.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace calibration {

inline void require(cudaError_t status, const char* what) {
  if (status != cudaSuccess) {
    throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(status));
  }
}

/// Room in the memory of the device.
template <typename Element>
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  explicit DeviceBuffer(std::size_t count) : count(count) {
    void* memory = nullptr;
    require(cudaMalloc(&memory, count * sizeof(Element)), "device memory");
    pointer = static_cast<Element*>(memory);
  }
  DeviceBuffer(DeviceBuffer&& other) noexcept { swap(other); }
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~DeviceBuffer() {
    if (pointer) cudaFree(pointer);
  }
  Element* data() const { return pointer; }
  std::size_t size() const { return count; }

 private:
  void swap(DeviceBuffer& other) {
    std::swap(pointer, other.pointer);
    std::swap(count, other.count);
  }
  Element* pointer = nullptr;
  std::size_t count = 0;
};

/// Locked memory of the host.
class PinnedBuffer {
 public:
  PinnedBuffer() = default;
  explicit PinnedBuffer(std::size_t bytes) : bytes(bytes) {
    require(cudaHostAlloc(&pointer, bytes, cudaHostAllocDefault), "locked host memory");
  }
  PinnedBuffer(PinnedBuffer&& other) noexcept { swap(other); }
  PinnedBuffer& operator=(PinnedBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~PinnedBuffer() {
    if (pointer) cudaFreeHost(pointer);
  }
  void* data() const { return pointer; }
  std::size_t size() const { return bytes; }

 private:
  void swap(PinnedBuffer& other) {
    std::swap(pointer, other.pointer);
    std::swap(bytes, other.bytes);
  }
  void* pointer = nullptr;
  std::size_t bytes = 0;
};

class Stream {
 public:
  Stream() {
    require(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "a stream");
  }
  Stream(const Stream&) = delete;
  ~Stream() { cudaStreamDestroy(stream); }
  operator cudaStream_t() const { return stream; }
  void synchronise() const { require(cudaStreamSynchronize(stream), "a stream's work"); }

 private:
  cudaStream_t stream = nullptr;
};

class Event {
 public:
  explicit Event(bool timed = true) {
    require(
        cudaEventCreateWithFlags(&event, timed ? cudaEventDefault : cudaEventDisableTiming),
        "an event");
  }
  Event(const Event&) = delete;
  Event(Event&& other) noexcept : event(std::exchange(other.event, nullptr)) {}
  ~Event() {
    if (event) cudaEventDestroy(event);
  }
  operator cudaEvent_t() const { return event; }
  void record(cudaStream_t stream) const { require(cudaEventRecord(event, stream), "an event"); }
  void synchronise() const { require(cudaEventSynchronize(event), "an event's work"); }

 private:
  cudaEvent_t event = nullptr;
};

/// Seconds between two events that have passed.
inline double secondsBetween(const Event& from, const Event& to) {
  float milliseconds = 0;
  require(cudaEventElapsedTime(&milliseconds, from, to), "the time between events");
  return double(milliseconds) * 1e-3;
}

/// Launches a kernel: grid, threads of a block, bytes of dynamic shared memory, stream, arguments.
template <typename... Parameters, typename... Arguments>
void launch(
    void (*kernel)(Parameters...), dim3 grid, dim3 threads, std::size_t sharedBytes,
    cudaStream_t stream, Arguments... arguments) {
#ifdef CALIBRATION_EMULATION
  emulation::enqueue(stream, [=] {
    emulation::runKernel(grid, threads, sharedBytes, [=] { kernel(Parameters(arguments)...); });
  });
#else
  kernel<<<grid, threads, sharedBytes, stream>>>(Parameters(arguments)...);
  require(cudaGetLastError(), "a kernel's launch");
#endif
}

/// The free memory of the device [bytes].
inline std::size_t freeDeviceMemory() {
  std::size_t available = 0, total = 0;
  require(cudaMemGetInfo(&available, &total), "the device's memory");
  return available;
}

/// Blocks of 256 threads that fill `count` items in strides.
inline unsigned fillBlocks(std::size_t count) {
  return unsigned(count / 256 + 1 < 4096 ? count / 256 + 1 : 4096);
}

/// Blocks that cover `count` items.
inline unsigned blocksFor(std::size_t count, std::size_t perBlock) {
  return unsigned((count + perBlock - 1) / perBlock);
}

}  // namespace calibration
