// SPDX-License-Identifier: GPL-3.0-or-later
// bf16 on the host, and values that host and device draw alike.
#pragma once

#include <cstdint>
#include <cstring>

#ifdef __CUDACC__
#define HOST_DEVICE __host__ __device__
#else
#define HOST_DEVICE
#endif

namespace calibration {

/// The bf16 nearest to a finite value, ties to even.
inline std::uint16_t bf16Bits(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, 4);
  bits += 0x7FFFu + ((bits >> 16) & 1u);
  return std::uint16_t(bits >> 16);
}

/// The value of a bf16.
inline float bf16Value(std::uint16_t bits) {
  std::uint32_t wide = std::uint32_t(bits) << 16;
  float value;
  std::memcpy(&value, &wide, 4);
  return value;
}

/// A value as bf16 keeps it.
inline float roundedToBf16(float value) { return bf16Value(bf16Bits(value)); }

/// 32 mixed bits of an index and a seed (a multiply-xorshift finaliser).
HOST_DEVICE inline std::uint32_t mixedBits(std::uint64_t index, std::uint32_t seed) {
  std::uint32_t x = std::uint32_t(index) ^ (std::uint32_t(index >> 32) * 0x9E3779B9u) ^ seed;
  x ^= x >> 16;
  x *= 0x7FEB352Du;
  x ^= x >> 15;
  x *= 0x846CA68Bu;
  x ^= x >> 16;
  return x;
}

/// A value in [-scale, scale), always the same for the same index and seed.
HOST_DEVICE inline float drawnValue(std::uint64_t index, std::uint32_t seed, float scale) {
  return scale * (float(mixedBits(index, seed) >> 8) * (1.0f / 8388608.0f) - 1.0f);
}

}  // namespace calibration
