// SPDX-License-Identifier: GPL-3.0-or-later

/// A growing array of plain values in raw memory, owned by one holder.
///
/// It neither counts references nor checks bounds in release builds, and its elements may be
/// changed while its owner is only borrowed. The kernel's tables are made of it.
@frozen
@usableFromInline
struct RawBuffer<Element: BitwiseCopyable>: ~Copyable {
  @usableFromInline var base: UnsafeMutablePointer<Element>
  @usableFromInline var count: Int
  @usableFromInline var capacity: Int

  @inlinable
  init(capacity: Int = 16) {
    self.base = UnsafeMutablePointer.allocate(capacity: capacity)
    self.count = 0
    self.capacity = capacity
  }

  @inlinable
  deinit {
    base.deallocate()
  }

  @inlinable
  subscript(index: Int) -> Element {
    @inline(__always)
    unsafeAddress {
      assert(index >= 0 && index < count, "The index is outside the buffer.")
      return UnsafePointer(base + index)
    }
    @inline(__always)
    nonmutating unsafeMutableAddress {
      assert(index >= 0 && index < count, "The index is outside the buffer.")
      return base + index
    }
  }

  /// Appends an element. Amortised O(1).
  @inlinable
  mutating func append(_ element: Element) {
    if count == capacity { grow(to: 2 * capacity) }
    (base + count).initialize(to: element)
    count &+= 1
  }

  /// Appends copies of an element.
  @inlinable
  mutating func append(repeating element: Element, count added: Int) {
    for _ in 0..<added { append(element) }
  }

  @inlinable
  mutating func removeAll() {
    count = 0
  }

  @inline(never)
  @inlinable
  mutating func grow(to newCapacity: Int) {
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: newCapacity)
    larger.moveInitialize(from: base, count: count)
    base.deallocate()
    base = larger
    capacity = newCapacity
  }
}
