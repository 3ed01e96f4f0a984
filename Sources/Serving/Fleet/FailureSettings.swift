// SPDX-License-Identifier: GPL-3.0-or-later

/// What may fail in a fleet.
public enum FailingKind: UInt8, CaseIterable, Hashable, Sendable, BitwiseCopyable {
  /// A replica, with all its devices.
  case replica
  /// One GPU, and with it the replica that it is a part of.
  case gpu
  /// A host with all its GPUs.
  case host
  /// A link, by its name in the topology.
  case link
  /// A server of a wide-area pipeline.
  case server

  /// The word in scenarios.
  public var word: String {
    switch self {
    case .replica: "replica"
    case .gpu: "gpu"
    case .host: "host"
    case .link: "link"
    case .server: "server"
    }
  }

  /// The kind of a word.
  public init?(word: String) {
    guard let found = Self.allCases.first(where: { $0.word == word }) else { return nil }
    self = found
  }
}

/// What fails, how often and for how long.
public struct FailureSettings: Hashable, Sendable {
  /// What an entry is about.
  public enum Subject: Hashable, Sendable {
    /// One part by its number.
    case part(FailingKind, Int)
    /// One link by its name.
    case link(String)
    /// Every part of a kind, each for itself.
    case every(FailingKind)

    /// As scenarios write it.
    public var text: String {
      switch self {
      case .part(let kind, let index): "\(kind.word) \(index)"
      case .link(let name): "link \(name)"
      case .every(let kind): kind.word
      }
    }
  }

  /// When something fails.
  public enum Occurrence: Hashable, Sendable {
    /// Once: when [s], and for how long [s]; for good where that is `nil`.
    case once(atSeconds: Double, forSeconds: Double?)
    /// Again and again, with exponential times between the end of a failure and the next, and
    /// exponential times of repair [s].
    case random(meanBetweenSeconds: Double, meanRepairSeconds: Double)
  }

  /// One entry.
  public struct Entry: Hashable, Sendable {
    /// What fails.
    public var subject: Subject
    /// When, and for how long.
    public var occurrence: Occurrence
    /// What is left of its rate meanwhile: 0 when it is gone, up to below 1 when it is degraded.
    public var factor: Double

    /// An entry.
    public init(_ subject: Subject, _ occurrence: Occurrence, factor: Double = 0) {
      self.subject = subject
      self.occurrence = occurrence
      self.factor = factor
    }
  }

  /// The entries, in the order of the scenario.
  public var entries: [Entry]

  /// Settings of some entries; nothing fails by default.
  public init(_ entries: [Entry] = []) { self.entries = entries }

  /// How many parts of each kind there are.
  public struct Population: Hashable, Sendable {
    /// Replicas, those that an autoscaler may add among them.
    public var replicas: Int
    /// GPUs.
    public var gpus: Int
    /// Hosts.
    public var hosts: Int
    /// The names of the links, in the order in which events number them.
    public var links: [String]
    /// Servers of a wide-area pipeline.
    public var servers: Int

    /// A fleet; without parts by default.
    public init(
      replicas: Int = 0, gpus: Int = 0, hosts: Int = 0, links: [String] = [], servers: Int = 0
    ) {
      self.replicas = replicas
      self.gpus = gpus
      self.hosts = hosts
      self.links = links
      self.servers = servers
    }

    /// Parts of a kind.
    public func count(of kind: FailingKind) -> Int {
      switch kind {
      case .replica: replicas
      case .gpu: gpus
      case .host: hosts
      case .link: links.count
      case .server: servers
      }
    }
  }

  /// What an entry names and the fleet does not have.
  public struct Problem: Error, Equatable, CustomStringConvertible, Sendable {
    /// The entry's position in the list.
    public var entry: Int
    /// What was found and what would be right.
    public var message: String

    /// The message.
    public var description: String { message }
  }
}

extension FailureSettings {
  /// Whether any entry is about a link.
  var mentionsLinks: Bool {
    entries.contains { entry in
      switch entry.subject {
      case .link: true
      case .part(let kind, _), .every(let kind): kind == .link
      }
    }
  }
}
