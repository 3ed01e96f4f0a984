// SPDX-License-Identifier: GPL-3.0-or-later

/// What an operation of the engine is, packed into the 64 bits that the kernel returns at its end.
///
/// Bits 0–7 the kind, 8–23 the model layer, 24–43 the expert, 44–63 an index (a transfer's slot, a
/// member's place in its layer's set, a sequence).
struct OperationTag: BitwiseCopyable {
  var bits: UInt64

  /// What the operation does.
  enum Kind: UInt8 {
    /// Attention of a layer; nothing waits for its end but the operations behind it.
    case attention
    /// A dense feed-forward part.
    case dense
    /// A shared expert.
    case sharedExpert
    /// The last operation before the engine must act: the end of a run of layers without experts.
    case segmentEnd
    /// A layer's gate: at its end the experts are known.
    case gate
    /// One expert's computation.
    case expert
    /// One grouped computation of several experts.
    case groupedExperts
    /// The scheduling of a step by the host.
    case stepOverhead
    /// The head, and the sampling of the step's tokens.
    case head
    /// A whole step in one operation: everything is resident and nothing contends.
    case wholeStep
    /// The copy of tokens to where an expert is stored, which computes it.
    case activationsUp
    /// One expert's computation where it is stored.
    case hostExpert
    /// The copy of its outputs to the device.
    case activationsDown
    /// A copy from the host to the device.
    case load
    /// A copy from the device to the host.
    case writeBack
    /// A copy from pageable to pinned memory.
    case staging
    /// A part of a read from the drive.
    case driveRead
    /// What another device does at the same time as the first.
    case mirror
    /// A sum of partial results over devices.
    case collective
    /// The copy of all that the host has computed of a layer to the devices.
    case hostOutputs
    /// The drafting of the next step's tokens.
    case draft
    /// Keys and values of a preempted sequence on their way to the host or back.
    case keyValueSwap
    /// An operation of a step graph: the expert's bits hold its label, the index its place.
    case graph
  }

  @inline(__always)
  init(_ kind: Kind, layer: Int = 0, expert: Int = 0, index: Int = 0) {
    bits =
      UInt64(kind.rawValue) | UInt64(truncatingIfNeeded: layer) << 8
      | UInt64(truncatingIfNeeded: expert) << 24 | UInt64(truncatingIfNeeded: index) << 44
  }

  @inline(__always)
  init(bits: UInt64) { self.bits = bits }

  @inline(__always)
  var kind: Kind { Kind(rawValue: UInt8(truncatingIfNeeded: bits)).unsafelyUnwrapped }
  @inline(__always)
  var layer: Int { Int(bits >> 8 & 0xFFFF) }
  @inline(__always)
  var expert: Int { Int(bits >> 24 & 0xF_FFFF) }
  @inline(__always)
  var index: Int { Int(bits >> 44) }
}
