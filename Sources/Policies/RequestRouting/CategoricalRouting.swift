// SPDX-License-Identifier: GPL-3.0-or-later

public import RandomStreams

/// Sends each request to the specialised model of its category, and there to the replica with the
/// least to do.
///
/// Expert Router (arXiv 2404.15153): a gateway assigns a prompt as a whole to a cluster of prompts,
/// and the cluster to one of several expert language models, each with a queue of its own. There are
/// no prompts here: categories are drawn with the shares of the models' groups
/// (``RequestRoutingContext/modelShares``), or dealt out by number.
public struct CategoricalRouting: RequestRoutingPolicy {
  /// How requests get their categories.
  public enum Assignment: String, CaseIterable, Sendable {
    /// Each request draws its own, with the shares of the groups.
    case drawn
    /// By the request's number in turn: shares make no difference.
    case number
    /// Each user of a closed loop draws one for all of its requests.
    case user
  }

  /// How requests get their categories.
  public let assignment: Assignment
  private var leastOutstanding: LeastOutstandingRouting
  /// Shares summed up to each model, the last one 1.
  private var cumulative: [Double] = [1]

  /// A router of categories.
  public init(assignment: Assignment = .drawn, measure: OutstandingMeasure = .requests) {
    self.assignment = assignment
    leastOutstanding = LeastOutstandingRouting(measure: measure)
  }

  /// Learns the shares of the models.
  public mutating func configure(_ context: RequestRoutingContext) {
    let shares = context.modelShares
    let sum = shares.reduce(0, +)
    precondition(
      sum > 0 && shares.allSatisfy { $0 >= 0 }, "Shares of models are positive in sum.")
    var running = 0.0
    cumulative = shares.map { share in
      running += share
      return running / sum
    }
  }

  /// The model of the request's category.
  public func model(of request: RoutedRequest, random: RandomStream) -> Int32 {
    if request.model >= 0 { return request.model }
    switch assignment {
    case .number: return Int32(request.number % UInt64(cumulative.count))
    case .user where request.user >= 0:
      // Users have streams beside those of the requests, which count from 0.
      var stream = random.forEntity(UInt64.max - UInt64(request.user))
      return category(at: stream.uniform())
    default:
      var stream = random
      return category(at: stream.uniform())
    }
  }

  private func category(at point: Double) -> Int32 {
    var model = 0
    while model < cumulative.count - 1, point >= cumulative[model] { model += 1 }
    return Int32(model)
  }

  /// The replica of the category's model that has the least to do.
  public mutating func choose(
    for request: RoutedRequest, among replicas: Span<ReplicaLoad>, random: inout RandomStream
  ) -> Int? {
    var assigned = request
    assigned.model = model(of: request, random: random)
    return leastOutstanding.choose(for: assigned, among: replicas, random: &random)
  }

  static let registration = RoleRegistration<any RequestRoutingPolicy>(
    name: "categorical",
    summary: "the specialised model of the request's category, as Expert Router does",
    parameters: [
      RoleParameter(
        "assignment", .choice(Assignment.allCases.map(\.rawValue)), word: Assignment.drawn.rawValue,
        summary: "how requests get categories: drawn with the groups' shares, by number, or by user"
      ),
      OutstandingMeasure.parameter,
    ]
  ) {
    CategoricalRouting(
      assignment: $0.text("assignment").flatMap(Assignment.init(rawValue:)) ?? .drawn,
      measure: OutstandingMeasure($0))
  }
}
