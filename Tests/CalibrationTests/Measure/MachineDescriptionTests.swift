// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Calibration

@Suite struct MachineDescriptionTests {
  @Test("Names, flags and sizes are read from the texts of the system")
  func readsTexts() {
    let text =
      "processor\t: 0\nmodel name\t: Intel(R) Xeon(R)  Platinum 8480+\nflags\t\t: fpu avx2 amx_bf16\n"
    #expect(
      MachineDescription.processorName(text, threads: 56) == "Intel Xeon Platinum 8480+, 56 cores")
    #expect(MachineDescription.processorName("", threads: 1) == "processor, 1 core")
    #expect(MachineDescription.flags(text) == ["fpu", "avx2", "amx_bf16"])
    #expect(MachineDescription.size("32768K\n") == 32 << 20)
    #expect(MachineDescription.size("2M") == 2 << 20)
    #expect(MachineDescription.size("") == nil)
    #expect(MachineDescription.size("K") == nil)
    #expect(
      MachineDescription.availableMemory("MemTotal: 9 kB\nMemAvailable:  2048 kB\n") == 2 << 20)
  }

  @Test("Threads are swept by powers of two up to all")
  func sweepsThreads() {
    var machine = MachineDescription.current()
    for (threads, counts) in [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6])] {
      machine.threads = threads
      #expect(machine.threadCounts == counts)
    }
  }
}
