// SPDX-License-Identifier: GPL-3.0-or-later

/// Names one scheduled event, so that it can be cancelled.
///
/// A handle goes stale when its event is handled or cancelled; a stale handle is harmless. The
/// word holds the event's slot (low 24 bits) and the low 40 bits of its scheduling number.
@frozen
public struct EventHandle: Hashable, Sendable, BitwiseCopyable {
  @usableFromInline let word: UInt64

  @inlinable
  init(word: UInt64) {
    self.word = word
  }

  /// A handle that names no event.
  @inlinable public static var none: EventHandle { EventHandle(word: 0) }
}
