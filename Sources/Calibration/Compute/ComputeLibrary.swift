// SPDX-License-Identifier: GPL-3.0-or-later

import CComputeLibraries
import Foundation

/// A library of matrix products, found when the program runs: OpenBLAS for 32-bit values, oneDNN for
/// bfloat16 and bytes.
///
/// A library is used by one thread at a time; the products run on threads of its own.
public final class ComputeLibrary {
  /// The format of weights.
  public let precision: ComputePrecision
  /// "openblas" or "onednn".
  public var name: String { precision == .float32 ? "openblas" : "onednn" }
  /// The library with its version, and the processor that it takes this one for.
  public let detail: String
  /// Threads of each product.
  public private(set) var threads: Int

  let openBLAS: OpaquePointer?
  let oneDNN: OpaquePointer?

  /// The names by which a library is looked for, the most common first.
  public static func names(for precision: ComputePrecision) -> [String] {
    precision == .float32
      ? ["libopenblas.so.0", "libopenblas.so", "libopenblas.dylib"]
      : ["libdnnl.so.3", "libdnnl.so.2", "libdnnl.so", "libdnnl.dylib"]
  }

  /// Loads a library.
  ///
  /// - Parameters:
  ///   - precision: The format of weights.
  ///   - threads: Threads of each product.
  ///   - names: File names to look for, by default the usual ones.
  /// - Throws: `ComputeError` that names the package, where no such library can be loaded.
  public init(precision: ComputePrecision, threads: Int, names: [String]? = nil) throws {
    precondition(threads >= 1, "A product runs on at least one thread.")
    self.precision = precision
    var message = [CChar](repeating: 0, count: 512)
    var reasons: [String] = []
    var found: OpaquePointer?
    for name in names ?? Self.names(for: precision) {
      found =
        precision == .float32
        ? ccl_openblas_open(name, &message, message.count)
        : ccl_onednn_open(name, &message, message.count)
      if found != nil { break }
      reasons.append(Self.text(message))
    }
    guard let found else { throw Self.absent(precision, reasons) }
    if precision == .float32 {
      openBLAS = found
      oneDNN = nil
      let words = String(cString: ccl_openblas_config(found)).split(separator: " ")
      let core = String(cString: ccl_openblas_core(found))
      detail = words.prefix(2).joined(separator: " ") + " with kernels for \(core)"
    } else {
      openBLAS = nil
      oneDNN = found
      detail = "oneDNN \(String(cString: ccl_onednn_version(found)))"
    }
    self.threads = threads
    try setThreads(threads)
  }

  /// Sets the threads of products; those of oneDNN that exist already keep theirs.
  ///
  /// - Throws: `ComputeError` where a build of oneDNN runs on something other than OpenMP.
  public func setThreads(_ count: Int) throws {
    precondition(count >= 1, "A product runs on at least one thread.")
    if let openBLAS { ccl_openblas_set_threads(openBLAS, Int32(count)) }
    if let oneDNN, !ccl_onednn_set_threads(oneDNN, Int32(count)) {
      throw ComputeError(
        "\(detail) was not built with OpenMP, so its threads cannot be set; Debian's libdnnl is")
    }
    threads = count
  }

  static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func absent(_ precision: ComputePrecision, _ reasons: [String]) -> ComputeError {
    let (name, package) =
      precision == .float32 ? ("OpenBLAS", "libopenblas0-pthread") : ("oneDNN", "libdnnl2")
    let reason = reasons.last { !$0.contains("No such file") } ?? reasons.first ?? "no name given"
    return ComputeError(
      "\(precision.rawValue) products need \(name), which cannot be loaded (\(reason)); on Debian: "
        + "apt-get install \(package), or 'make setup-calibration'")
  }
}
