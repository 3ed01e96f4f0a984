// SPDX-License-Identifier: GPL-3.0-or-later
// Attention of prompt tokens by cuDNN, where its headers were there when this was compiled.
#pragma once

#include "context.h"

namespace calibration {

/// Measures the shape of `plain`, a row of plain attention, with cuDNN's fused kernel.
#ifdef CALIBRATION_CUDNN
void measureFusedPrefill(Context& context, const MeasurementRow& plain);
#else
inline void measureFusedPrefill(Context&, const MeasurementRow&) {}
#endif

}  // namespace calibration
