// SPDX-License-Identifier: GPL-3.0-or-later

/// The formats in which request traces are read.
public enum RequestTraceFormat: String, CaseIterable, Sendable {
  /// Our own CSV: `arrival_s,prompt_tokens,output_tokens` and perhaps `prefix_blocks` and `priority`; lines that
  /// begin with `#` are comments. Described in docs/workload-format.md.
  case moesim = "moesim"
  /// The CSV of the Azure LLM inference traces: `TIMESTAMP,ContextTokens,GeneratedTokens`.
  case azure = "azure"
  /// The JSON lines of the Mooncake traces: `timestamp` in milliseconds, `input_length`,
  /// `output_length`, `hash_ids` of prefix blocks of 512 tokens.
  case mooncake = "mooncake"

  /// Tokens in a prefix block of the format.
  public var prefixBlockTokens: Int { 512 }

  /// The format of a file by its first line that is neither blank nor a comment, or `nil`.
  public static func recognized(firstLine: String) -> RequestTraceFormat? {
    let line = firstLine.trimmingPrefix { $0 == " " || $0 == "\t" }
    if line.first == "{" { return .mooncake }
    let names = columnNames(String(line))
    if names.starts(with: azureColumns) { return .azure }
    if names.starts(with: moesimColumns) { return .moesim }
    return nil
  }

  /// The columns of the Azure traces, in lower case.
  static let azureColumns = ["timestamp", "contexttokens", "generatedtokens"]
  /// The columns that our own format requires.
  static let moesimColumns = ["arrival_s", "prompt_tokens", "output_tokens"]
  /// The columns that our own format may add.
  static let prefixColumn = "prefix_blocks"
  static let priorityColumn = "priority"
  static let optionalColumns = [prefixColumn, priorityColumn]

  static func columnNames(_ header: String) -> [String] {
    header.split(separator: ",", omittingEmptySubsequences: false).map { name in
      name.lowercased().filter { !$0.isWhitespace && $0 != "\"" }
    }
  }
}
