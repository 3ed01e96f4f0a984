// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Serving

/// One rule by which serving points become scenarios: which points it is for, and what it says of them.
public struct PointRule: Sendable {
  /// What a rule may ask of a point.
  public enum Field: String, CaseIterable, Sendable {
    case model, system, backend, version, precision, products, experts, prompt, output, concurrency
    /// The plan's.
    case tensor, data, expert
    /// Texts that the name or the source contains.
    case id, source
  }

  /// A condition: one of the values.
  public struct Condition: Sendable {
    /// What is asked.
    public var field: Field
    /// What it may be.
    public var values: [String]

    /// A condition.
    public init(field: Field, values: [String]) {
      self.field = field
      self.values = values
    }
  }

  /// What must hold, all of it.
  public var conditions: [Condition]
  /// Keys of a scenario, with expressions.
  public var settings: ConfigurationNode?
  /// Whether kernels are those of another machine, carried over; `nil` where the rule says nothing.
  public var isTransferred: Bool?
  /// Whether settings or constants were found in these points themselves; `nil` where the rule says nothing.
  public var isFitted: Bool?
  /// How the replica was spread, where the table says it wrongly.
  public var plan: ParallelPlan?
  /// Why the points are not simulated.
  public var refusal: String?

  /// Reads a rule; reports what is wrong.
  init(_ reader: MappingReader) {
    conditions = []
    if let when = reader.mapping("when") {
      for field in Field.allCases {
        guard let node = when.child(field.rawValue) else { continue }
        let values = (node.sequence ?? [node]).compactMap {
          $0.read(into: when.collector) { $0.text }
        }
        conditions.append(Condition(field: field, values: values))
      }
      when.finish()
    }
    settings = reader.child("set")
    if let settings, settings.mapping == nil {
      reader.report("set", "expected keys of a scenario; found \(settings.kindInWords)")
    }
    isTransferred = reader.bool("transferred")
    isFitted = reader.bool("fitted")
    refusal = reader.string("unsupported")
    if let mapping = reader.mapping("parallelism") {
      let range = 1...4_096
      let (tensor, data, expert) = (
        mapping.int("tensor", in: range) ?? 1, mapping.int("data", in: range) ?? 1,
        mapping.int("expert", in: range) ?? 1
      )
      mapping.finish()
      if tensor * data % expert == 0 {
        plan = ParallelPlan(tensor: tensor, data: data, expert: expert)
      } else {
        reader.report(
          "parallelism", "\(expert) groups of experts do not divide \(tensor * data) GPUs")
      }
    }
    _ = reader.string("source")
    reader.finish()
  }

  /// Whether the rule is for a point that is spread by `plan`.
  func covers(_ point: ServingPoint, plan: ParallelPlan) -> Bool {
    conditions.allSatisfy { Self.covers($0, point: point, plan: plan) }
  }

  /// Whether a condition holds for a point; without a plan, conditions on it do not.
  static func covers(
    _ condition: Condition, point: ServingPoint, plan: ParallelPlan? = nil
  ) -> Bool {
    switch condition.field {
    case .id: condition.values.contains { point.id.contains($0) }
    case .source: condition.values.contains { point.source.contains($0) }
    default:
      condition.values.contains(text(of: condition.field, point: point, plan: plan))
    }
  }

  private static func text(
    of field: Field, point: ServingPoint, plan: ParallelPlan?
  ) -> String {
    switch field {
    case .model: point.model
    case .system: point.system
    case .backend: point.backend
    case .version: point.version
    case .precision: point.precision
    case .products: point.productFormat
    case .experts: point.expertFormat
    case .prompt: "\(point.prompt)"
    case .output: "\(point.output)"
    case .concurrency: point.concurrency.map { "\($0)" } ?? ""
    case .tensor: plan.map { "\($0.tensor)" } ?? ""
    case .data: plan.map { "\($0.data)" } ?? ""
    case .expert: plan.map { "\($0.expert)" } ?? ""
    case .id: point.id
    case .source: point.source
    }
  }
}
