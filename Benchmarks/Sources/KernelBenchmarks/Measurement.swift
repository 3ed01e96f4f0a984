// SPDX-License-Identifier: GPL-3.0-or-later

import CxxTwins

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One program of a comparison.
struct Contender {
  let name: String
  let run: () -> TwinResult
}

/// Seconds of processor time that this thread has used.
func threadSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Gives back freed memory and forgets the peak of the resident memory, where possible.
func resetPeakMemory() {
  twin_trim_memory()
  guard let file = fopen("/proc/self/clear_refs", "w") else { return }
  fputs("5", file)
  fclose(file)
}

/// The peak of the resident memory in MiB since the last reset; not a number where unknown.
func peakMemoryMiB() -> Double {
  if let file = fopen("/proc/self/status", "r") {
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, 256, file) != nil {
      var kibibytes = 0
      let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
      if text.hasPrefix("VmHWM:") {
        kibibytes = Int(text.filter(\.isNumber)) ?? 0
        return Double(kibibytes) / 1024
      }
    }
  }
  return .nan
}

func padded(_ text: String, _ width: Int, left: Bool = false) -> String {
  let space = String(repeating: " ", count: max(0, width - text.count))
  return left ? text + space : space + text
}

func fixed(_ value: Double, _ digits: Int) -> String {
  guard value.isFinite else { return "–" }
  let scale = (0..<digits).reduce(1.0) { power, _ in power * 10 }
  let rounded = Int((value * scale).rounded())
  guard digits > 0 else { return "\(rounded)" }
  let fraction = "\(rounded % Int(scale))"
  return "\(rounded / Int(scale))."
    + String(repeating: "0", count: digits - fraction.count) + fraction
}

/// Runs the contenders in turn for several rounds and prints a table of their medians.
///
/// The first contender is moesim; the ratios are its speed over each other one's, as the median
/// of the ratios of the rounds. All must give the same result. Returns whether they did.
func compare(
  _ title: String, unit: String, count: UInt64, rounds: Int, _ contenders: [Contender]
) -> Bool {
  var seconds = contenders.map { _ in [Double]() }
  var memory = contenders.map { _ in 0.0 }
  var results: [TwinResult] = []
  for round in 0..<rounds {
    for (index, contender) in contenders.enumerated() {
      resetPeakMemory()
      let start = threadSeconds()
      let result = contender.run()
      seconds[index].append(threadSeconds() - start)
      memory[index] = max(memory[index], peakMemoryMiB())
      if round == 0 { results.append(result) }
    }
  }
  func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
  print("\n\(title), \(rounds) rounds in turn, medians of thread CPU time")
  print(
    padded("", 36, left: true) + padded("M \(unit)/s", 16) + padded("ns", 8)
      + padded("moesim is", 12) + padded("peak MiB", 10))
  for (index, contender) in contenders.enumerated() {
    let time = median(seconds[index])
    let ratio = median(zip(seconds[index], seconds[0]).map { $0 / $1 })
    print(
      padded(contender.name, 36, left: true) + padded(fixed(Double(count) / time / 1e6, 2), 16)
        + padded(fixed(time / Double(count) * 1e9, 1), 8)
        + padded(index == 0 ? "" : fixed(ratio, 2) + "×", 12)
        + padded(fixed(memory[index], 1), 10))
  }
  for (result, contender) in zip(results, contenders)
  where result.checksum != results[0].checksum || result.endTime != results[0].endTime {
    print("DIFFERENT RESULT: \(contender.name)")
    return false
  }
  return true
}
