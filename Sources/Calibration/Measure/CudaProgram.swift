// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// The CUDA program that measures a GPU, in `calibration/cuda`, built by its own Makefile.
public struct CudaProgram: Sendable {
  /// Where the program is looked for.
  public var path: String

  /// The program below a folder; by default the current one.
  public init(root: String = ".") {
    path = "\(root)/calibration/cuda/measure"
  }

  /// Runs the program; its rows go to a file or standard output, its progress to standard error.
  ///
  /// - Throws: `ComputeError` where it isn't built, or fails.
  public func run(output: String?, isQuick: Bool) throws {
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw ComputeError(
        "\(path) is not there: on a machine with an NVIDIA GPU and the CUDA toolkit (nvcc), run "
          + "'make -C calibration/cuda' in moesim's folder, then this command there again")
    }
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = (output.map { ["--out", $0] } ?? []) + (isQuick ? ["--quick"] : [])
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw ComputeError("\(path) failed with status \(process.terminationStatus)")
    }
  }
}
