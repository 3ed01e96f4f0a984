// SPDX-License-Identifier: GPL-3.0-or-later

internal import CGSL

/// Philox-4×32 as a generator type of GSL; its state is a `RandomStream`.
///
/// `nonisolated(unsafe)`: both are written once, before their first use, and only read after.
enum GSLGenerator {
  private nonisolated(unsafe) static let name: UnsafePointer<CChar> = {
    let text: StaticString = "philox4x32"
    return UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
  }()

  /// The table of functions through which GSL's samplers draw.
  nonisolated(unsafe) static let type: UnsafePointer<gsl_rng_type> = {
    GSL.prepare()
    let table = UnsafeMutablePointer<gsl_rng_type>.allocate(capacity: 1)
    table.initialize(
      to: gsl_rng_type(
        name: name, max: UInt(UInt32.max), min: 0, size: MemoryLayout<RandomStream>.size,
        set: { state, seed in
          state!.assumingMemoryBound(to: RandomStream.self).pointee = RandomStream(
            seed: UInt64(seed), replication: 0, purpose: .testing, entity: 0)
        },
        get: { state in
          UInt(state!.assumingMemoryBound(to: RandomStream.self).pointee.next32())
        },
        get_double: { state in
          state!.assumingMemoryBound(to: RandomStream.self).pointee.uniform()
        }))
    return UnsafePointer(table)
  }()
}
