// SPDX-License-Identifier: GPL-3.0-or-later

/// How a collective is carried out.
public enum CollectiveAlgorithm: String, CaseIterable, Hashable, Sendable {
  /// By the fitted law of the machine, whatever its library did.
  case measured
  /// Neighbour to neighbour in n − 1 steps, of an all-reduce twice as many (Patarasuk and Yuan,
  /// "Bandwidth optimal all-reduce algorithms for clusters of workstations", JPDC 2009).
  case ring
  /// All-reduce of small buffers: each device reads those of all others and adds them up.
  case oneShot = "one-shot"
  /// All-reduce of small buffers: each device adds up its part of all buffers, then reads the parts of
  /// the others.
  case twoShot = "two-shot"
  /// Rings within each host, and between hosts as many rings as each has devices.
  case hierarchical
  /// All-to-all: everybody sends to everybody at once.
  case exchange

  /// The largest buffer that is all-reduced in one or two shots [B], and the most devices: those of
  /// vLLM's custom all-reduce (vllm-project/vllm, `CustomAllreduce`).
  static let smallBytes = 8_388_608.0
  static let smallDevices = 8
}
