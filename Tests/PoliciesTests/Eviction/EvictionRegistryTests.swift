// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Testing

@Suite struct EvictionRegistryTests {
  @Test func namesAreDistinctAndFound() throws {
    #expect(
      EvictionRegistry.names == [
        "lru", "lfu", "fifo", "lifo", "static", "none", "belady", "hobbit", "expert-map",
        "moe-infinity",
      ])
    #expect(Set(EvictionRegistry.names).count == EvictionRegistry.all.count)
    for name in EvictionRegistry.names { #expect(try EvictionRegistry.named(name).name == name) }
  }

  @Test func unknownNameListsTheOthersAndGuesses() {
    #expect {
      try EvictionRegistry.named("beladi")
    } throws: { error in
      let text = "\(error)"
      return text.contains("did you mean 'belady'?") && text.contains("lru, lfu, fifo")
    }
  }

  @Test func beladyWithoutAFutureIsAnError() throws {
    let layout = BlockLayout(layers: 1, experts: 2, bytesPerExpert: 1)
    let context = EvictionContext(layout: layout, pools: .global(slots: 1))
    let belady = try EvictionRegistry.named("belady")
    #expect(throws: EvictionError.needsFuture(name: "belady")) { try belady.make(context) }
  }
}
