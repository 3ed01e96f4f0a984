// SPDX-License-Identifier: GPL-3.0-or-later

/// Where a weight block stands in one tier.
///
/// ```
///            reserve            complete
///   absent ──────────▶ loading ──────────▶ resident
///      ▲ ▲               │  ▲                 │
///      │ └───abandon─────┘  │ resume          │ evicted
///      │                 │  │                 ▼
///      │         suspend ▼  │          absent, or evicting where
///      │               partial         evictions are written back
///      └───finishEviction─────────────────────┘
/// ```
@frozen
public enum BlockState: UInt8, Hashable, Sendable, BitwiseCopyable {
  /// Not in this tier.
  case absent
  /// Holds its room; chunks of it are on their way.
  case loading
  /// All of it is here.
  case resident
  /// Some chunks are here and keep their room, none is on its way; may be evicted or resumed.
  case partial
  /// Chosen to go; its bytes are still being written to the tier below.
  case evicting
}
