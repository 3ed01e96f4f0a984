// SPDX-License-Identifier: GPL-3.0-or-later
// bf16 as CUDA names it, on the host.
#pragma once

#include <cstdint>

#include "../host/number_formats.h"

struct __nv_bfloat16 {
  std::uint16_t bits;
};
inline __nv_bfloat16 __float2bfloat16(float value) { return {calibration::bf16Bits(value)}; }
inline float __bfloat162float(__nv_bfloat16 value) { return calibration::bf16Value(value.bits); }
