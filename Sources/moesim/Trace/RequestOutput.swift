// SPDX-License-Identifier: GPL-3.0-or-later

import Reports
import Workload

/// Writes requests as moesim's own CSV, one by one.
enum RequestOutput {
  /// Writes every request of an open source.
  static func write(
    _ requests: inout any RequestSource, comments: [String], to path: String?
  ) throws {
    let writer = RequestTraceWriter(
      hasPrefixBlocks: requests.prefixBlockTokens > 0, hasPriorities: requests.hasPriorities)
    let target: OutputWriter
    if let path, path != "-" {
      target = try OutputWriter(path: path)
    } else {
      target = .standardOutput()
    }
    try target.write(writer.header(comments: comments))
    while !target.readerHasGone, let request = try requests.next() {
      try target.write(
        writer.line(
          arrivalNanoseconds: request.arrivalNanoseconds, promptTokens: request.promptTokens,
          outputTokens: request.outputTokens, prefixBlocks: requests.prefixBlocks(of: request),
          priority: request.priority))
    }
    try target.finish()
  }
}
