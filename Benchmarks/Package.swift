// swift-tools-version: 6.1
// SPDX-License-Identifier: GPL-3.0-or-later

import PackageDescription

// The benchmarks stand apart so that nobody who builds moesim needs a C++ compiler for them.

let package = Package(
  name: "moesim-benchmarks",
  dependencies: [
    .package(name: "moesim", path: "..")
  ],
  targets: [
    // The same programs in C++, to compare with. Optimised harder than the package's default.
    .target(name: "CxxTwins", cxxSettings: [.unsafeFlags(["-O3"])]),
    .executableTarget(
      name: "KernelBenchmarks",
      dependencies: ["CxxTwins", .product(name: "SimulationKernel", package: "moesim")]),
    .executableTarget(
      name: "EngineBenchmarks",
      dependencies: [.product(name: "Experiments", package: "moesim")]),
    .executableTarget(
      name: "TimingBenchmarks",
      dependencies: [.product(name: "KernelTiming", package: "moesim")]),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)
