// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Units

extension CollectiveLaw {
  /// Reads a law of collectives, all keys but those of others.
  static func read(_ reader: MappingReader) -> CollectiveLaw {
    let name = reader.requiredChoice("pattern", among: Pattern.allCases.map(\.rawValue))
    var law = CollectiveLaw(Pattern(rawValue: name) ?? .ring)
    for (name, path) in shares {
      if let value = reader.double(name, in: 1e-6...1e6) { law[keyPath: path] = value }
    }
    for (name, path) in times {
      if let value = reader.quantity(name, .seconds, in: 0...1) { law[keyPath: path] = value }
    }
    for (name, path) in sizes {
      if let value = reader.quantity(name, .bytes, in: 1...1e15) { law[keyPath: path] = value }
    }
    law.residuals = reader.mapping("residuals").map { TimingLaws.Residuals($0) }
    law.grid = reader.mapping("grid").flatMap { KernelGrid.read($0) }
    return law
  }
}

extension LatentAttentionLaw {
  /// Reads a law of latent attention, all keys but those of others.
  static func read(_ reader: MappingReader) -> LatentAttentionLaw {
    let kernel = reader.requiredChoice("kernel", among: Kernel.allCases.map(\.rawValue))
    let widths = ["bf16", "fp8"]
    var law = LatentAttentionLaw(
      kernel: Kernel(rawValue: kernel) ?? .flash,
      hasNarrowWeights: reader.requiredChoice("weights", among: widths) == "fp8",
      hasNarrowCache: reader.requiredChoice("cache", among: widths) == "fp8")
    law.isSingleHead = reader.bool("single_head") ?? false
    for (name, path) in shares {
      if let value = reader.double(name, in: 1e-6...1e6) { law[keyPath: path] = value }
    }
    for (name, path) in times {
      if let value = reader.quantity(name, .seconds, in: 0...1) { law[keyPath: path] = value }
    }
    law.residuals = reader.mapping("residuals").map { TimingLaws.Residuals($0) }
    law.grid = reader.mapping("grid").flatMap { KernelGrid.read($0) }
    return law
  }
}
