// swift-tools-version: 6.1
// SPDX-License-Identifier: GPL-3.0-or-later

import PackageDescription

// A module stands above all that it imports; nothing imports upward. The floors are described in
// docs/architecture.md.

let collections = "swift-collections"

let package = Package(
  name: "moesim",
  products: [
    .executable(name: "moesim", targets: ["moesim"]),
    .library(name: "SimulationKernel", targets: ["SimulationKernel"]),
    .library(name: "KernelTiming", targets: ["KernelTiming", "ModelDescriptors"]),
    .library(name: "Serving", targets: ["Serving"]),
    .library(name: "Experiments", targets: ["Experiments"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
  ],
  targets: [
    // Floor 0
    .systemLibrary(
      name: "CGSL", pkgConfig: "gsl", providers: [.apt(["libgsl-dev"]), .brew(["gsl"])]),
    .target(
      name: "CComputeLibraries", linkerSettings: [.linkedLibrary("dl"), .linkedLibrary("m")]),
    .target(name: "CSweepSignals"),
    .target(name: "Units"),
    // Floor 1
    .target(name: "SimulationKernel", dependencies: ["Units"]),
    .target(name: "RandomStreams", dependencies: ["CGSL"]),
    .target(
      name: "Configuration", dependencies: ["Units", .product(name: "Yams", package: "Yams")]),
    // Floor 2
    .target(name: "Hardware", dependencies: ["Units", "Configuration", "SimulationKernel"]),
    .target(name: "ModelDescriptors", dependencies: ["Units", "Configuration"]),
    .target(name: "Routing", dependencies: ["Configuration", "RandomStreams", "CGSL"]),
    .target(name: "Workload", dependencies: ["Configuration", "RandomStreams"]),
    // Floor 3
    .target(
      name: "KernelTiming",
      dependencies: ["Configuration", "Hardware", "ModelDescriptors", "CGSL", "SimulationKernel"]),
    // Floor 4
    .target(name: "Residency", dependencies: ["ModelDescriptors", "SimulationKernel"]),
    // Floor 5
    .target(
      name: "Policies",
      dependencies: [
        "Configuration", "RandomStreams", "Residency", "KernelTiming", "ModelDescriptors",
        "Routing", "SimulationKernel", "Units",
      ]),
    // Floor 6
    .target(
      name: "Serving",
      dependencies: [
        "Units", "SimulationKernel", "RandomStreams", "Hardware", "ModelDescriptors", "Routing",
        "Workload", "KernelTiming", "Residency", "Policies",
        .product(name: "Histogram", package: "hdrhistogram-swift"),
        .product(name: "DequeModule", package: collections),
        .product(name: "HeapModule", package: collections),
      ]),
    .target(
      name: "Calibration",
      dependencies: [
        "Units", "Configuration", "KernelTiming", "ModelDescriptors", "Hardware", "Residency",
        "Policies", "Routing", "RandomStreams", "CGSL", "CComputeLibraries",
      ]),
    // Floor 7
    .target(
      name: "Experiments",
      dependencies: [
        "Serving", "Calibration", "Policies", "Residency", "Routing", "Workload", "Configuration",
        "Units", "RandomStreams",
      ]),
    // Floor 8: results as trees of values; stands below the studies that keep them
    .target(name: "Records", dependencies: ["Serving", "Units"]),
    // Floor 9
    .target(
      name: "Studies",
      dependencies: [
        "Experiments", "Records", "Serving", "Configuration", "RandomStreams", "Units",
        "Hardware", "KernelTiming", "ModelDescriptors", "Policies", "Workload", "CSweepSignals",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Crypto", package: "swift-crypto"),
      ]),
    // Floor 10
    .target(
      name: "Reports",
      dependencies: [
        "Experiments", "Records", "Studies", "Serving", "Calibration", "Configuration", "Units",
        "Workload",
      ]),
    // Floor 11
    .executableTarget(
      name: "moesim",
      dependencies: [
        "Reports", "Studies", "Experiments", "Records", "Calibration", "Configuration", "Hardware",
        "ModelDescriptors", "Policies",
        "Residency", "Routing", "Serving", "Units", "Workload",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    // Tests mirror Sources.
    .target(name: "TestSupport", path: "Tests/TestSupport"),
    .testTarget(name: "UnitsTests", dependencies: ["Units"]),
    .testTarget(
      name: "SimulationKernelTests", dependencies: ["SimulationKernel", "RandomStreams"]),
    .testTarget(name: "RandomStreamsTests", dependencies: ["RandomStreams"]),
    .testTarget(name: "ConfigurationTests", dependencies: ["Configuration", "TestSupport"]),
    .testTarget(name: "HardwareTests", dependencies: ["Hardware", "TestSupport"]),
    .testTarget(name: "ModelDescriptorsTests", dependencies: ["ModelDescriptors", "TestSupport"]),
    .testTarget(name: "RoutingTests", dependencies: ["Routing", "TestSupport"]),
    .testTarget(name: "WorkloadTests", dependencies: ["Workload", "TestSupport"]),
    .testTarget(name: "KernelTimingTests", dependencies: ["KernelTiming", "TestSupport"]),
    .testTarget(name: "ResidencyTests", dependencies: ["Residency", "Policies", "TestSupport"]),
    .testTarget(name: "PoliciesTests", dependencies: ["Policies", "Residency", "TestSupport"]),
    .testTarget(name: "CalibrationTests", dependencies: ["Calibration", "TestSupport"]),
    .testTarget(name: "ServingTests", dependencies: ["Serving", "TestSupport"]),
    .testTarget(
      name: "ExperimentsTests",
      dependencies: [
        "Experiments", "Calibration", "Policies", "Residency", "Routing", "Serving", "Workload",
        "TestSupport",
      ]),
    .testTarget(name: "RecordsTests", dependencies: ["Records", "Serving", "TestSupport"]),
    .testTarget(
      name: "StudiesTests",
      dependencies: [
        "Studies", "Configuration", "Experiments", "Records", "Serving", "TestSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
      ]),
    .testTarget(
      name: "ReportsTests",
      dependencies: [
        "Reports", "Configuration", "Experiments", "Records", "Serving", "Studies", "Workload",
        "TestSupport",
      ]),
    .testTarget(name: "moesimTests", dependencies: ["moesim", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)
