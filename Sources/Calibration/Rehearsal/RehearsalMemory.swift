// SPDX-License-Identifier: GPL-3.0-or-later

import CComputeLibraries

/// An array of floats.
final class FloatMemory {
  private let memory: LockableMemory
  let pointer: UnsafeMutablePointer<Float>
  let count: Int

  /// - Parameter seed: Fills with random values of up to 0.03 where it is not 0.
  init(_ count: Int, seed: UInt64 = 0) throws {
    self.count = count
    memory = try LockableMemory(bytes: max(1, count) * MemoryLayout<Float>.size)
    pointer = memory.values(of: Float.self)
    if seed != 0 { ccl_fill_float(pointer, count, seed, 0.03) }
  }
}

/// The weights of a model beside its experts, its keys and values, and the slots of its experts.
final class RehearsalMemory {
  /// The weights of a layer.
  struct Layer {
    let queryKeyValue: FloatMemory
    let output: FloatMemory
    let gate: FloatMemory?
    let denseUp: FloatMemory?
    let denseDown: FloatMemory?
    let sharedUp: FloatMemory?
    let sharedDown: FloatMemory?
    let keys: FloatMemory
    let values: FloatMemory
  }

  let layers: [Layer]
  let embedding: FloatMemory
  let head: FloatMemory
  let norm: FloatMemory
  private let slotMemory: LockableMemory
  private let stride: Int
  /// Slots of the cache; staging buffers follow them.
  let slots: Int
  let buffers: Int

  init(
    _ model: RehearsalModel, slots: Int, buffers: Int, sequences: Int, tokens: Int
  ) throws {
    var seed: UInt64 = 100
    func random(_ count: Int) throws -> FloatMemory {
      seed += 1
      return try FloatMemory(count, seed: seed)
    }
    let hidden = model.hidden
    let inner = model.matrices - 1
    var layers: [Layer] = []
    for layer in model.layers {
      let attention = layer.attention
      let queries = attention.heads * attention.headWidth
      let keys = attention.keyValueHeads * attention.headWidth
      let held = sequences * tokens * keys
      layers.append(
        Layer(
          queryKeyValue: try random((queries + 2 * keys) * hidden),
          output: try random(hidden * queries),
          gate: layer.mixture >= 0 ? try random(model.experts * hidden) : nil,
          denseUp: layer.denseWidth > 0 ? try random(inner * layer.denseWidth * hidden) : nil,
          denseDown: layer.denseWidth > 0 ? try random(layer.denseWidth * hidden) : nil,
          sharedUp: layer.sharedWidth > 0 ? try random(inner * layer.sharedWidth * hidden) : nil,
          sharedDown: layer.sharedWidth > 0 ? try random(layer.sharedWidth * hidden) : nil,
          keys: try random(held), values: try random(held)))
    }
    self.layers = layers
    embedding = try random(model.vocabulary * hidden)
    head = try random(model.vocabulary * hidden)
    norm = try FloatMemory(hidden)
    for index in 0..<hidden { norm.pointer[index] = 1 }
    stride = model.expertStride
    self.slots = slots
    self.buffers = buffers
    slotMemory = try LockableMemory(bytes: (slots + buffers) * stride)
  }

  /// Where a slot lies, or behind the slots a buffer.
  func slot(_ number: Int) -> UnsafeMutableRawPointer {
    precondition((0..<slots + buffers).contains(number), "A slot is one of the memory.")
    return slotMemory.base + number * stride
  }
}
