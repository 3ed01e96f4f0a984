// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors

extension GraphPlanContext {
  /// The routed experts of one layer [bytes].
  public var layerExpertBytes: Double {
    Double(model.expertCount) * Double(model.bytes(under: precision).perExpert)
  }

  /// Keys and values of one sequence of mean length in one layer [bytes].
  public var layerCacheBytes: Double {
    let length = max(1, Int((meanPrompt + meanOutput).rounded(.up)))
    return model.cacheBytes(length: length, under: precision)
      / Double(max(1, model.layers.count))
  }

  /// What device memory leaves beside weights, their buffers and the workspace [bytes].
  ///
  /// - Parameters:
  ///   - residentShare: The share of the experts that stays.
  ///   - buffers: Layers for whose streamed share there is room.
  public func roomBesideWeights(residentShare: Double, buffers: Int) -> Double {
    let layer = layerExpertBytes
    return Double(deviceBytes) - Double(workspaceBytes)
      - Double(model.bytes(under: precision).nonExpert)
      - residentShare * layer * Double(model.mixtureLayers.count)
      - (1 - residentShare) * layer * Double(buffers)
  }

  /// The largest share of the experts that device memory holds beside buffers for the rest, 0 to 1.
  public func largestResidentShare(buffers: Int, beside bytes: Double = 0) -> Double {
    let layer = layerExpertBytes
    let room = roomBesideWeights(residentShare: 0, buffers: buffers) - bytes
    let each = layer * Double(model.mixtureLayers.count - buffers)
    guard each > 0 else { return 1 }
    return min(1, max(0, room / each))
  }
}
