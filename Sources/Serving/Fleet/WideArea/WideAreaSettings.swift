// SPDX-License-Identifier: GPL-3.0-or-later

/// A pipeline of servers that are far apart, each with some consecutive layers of one model.
///
/// Petals (arXiv 2209.01188, 2312.08361): a client chains servers that hold all layers between them
/// and sends activations along the chain, a token at a time. Servers keep keys and values; the client
/// keeps what it has sent to each, so that a server that leaves can be replaced by one that is sent
/// all of it again.
public struct WideAreaSettings: Hashable, Sendable {
  /// How activations get from one server to the next.
  public enum Relay: String, CaseIterable, Hashable, Sendable {
    /// Straight, with a copy to the client: n servers are n + 1 one-way trips.
    case servers
    /// Back to the client, who sends them on: n servers are n round trips.
    case client
  }

  /// One server.
  public struct Server: Hashable, Sendable {
    /// The first layer that it holds.
    public var firstBlock: Int
    /// Layers that it holds.
    public var blockCount: Int
    /// The time of a message from a client to it and back, without its length [s].
    public var roundTripSeconds: Double
    /// The rate of its connection, each way [B/s].
    public var bandwidth: Double
    /// What a layer takes for one token [s].
    public var blockSeconds: Double
    /// What a layer takes for each further token of the same message [s].
    public var furtherTokenSeconds: Double

    /// A server.
    public init(
      firstBlock: Int, blockCount: Int, roundTripSeconds: Double, bandwidth: Double,
      blockSeconds: Double, furtherTokenSeconds: Double
    ) {
      self.firstBlock = firstBlock
      self.blockCount = blockCount
      self.roundTripSeconds = roundTripSeconds
      self.bandwidth = bandwidth
      self.blockSeconds = blockSeconds
      self.furtherTokenSeconds = furtherTokenSeconds
    }

    /// The first layer behind those that it holds.
    public var endBlock: Int { firstBlock + blockCount }

    /// What so many layers take for so many tokens [s].
    func computeSeconds(blocks: Int, tokens: Int) -> Double {
      Double(blocks) * (blockSeconds + Double(tokens - 1) * furtherTokenSeconds)
    }
  }

  /// Layers of the model.
  public var blocks: Int
  /// Bytes of a token's activations between two layers.
  public var activationBytes: Double
  /// The servers.
  public var servers: [Server]
  /// How activations get from server to server.
  public var relay: Relay
  /// The time of a message between two servers and back [s]; `nil` for the mean of their round trips
  /// to the client.
  public var serverRoundTripSeconds: Double?
  /// What a server takes to unpack and pack a message [s].
  public var overheadSeconds: Double
  /// The rate of a client's connection, each way [B/s].
  public var clientBandwidth: Double
  /// What a client takes between two tokens, for embedding, head and choice [s].
  public var clientSeconds: Double
  /// The time until a client notices that a server does not answer any more [s].
  public var detectionSeconds: Double
  /// What befalls the servers.
  public var failures: FailureSettings

  /// A pipeline. 18 ms of overhead are what the client of Petals reckons with for each hop, "measured
  /// empirically" (bigscience-workshop/petals, `src/petals/client/routing/sequence_manager.py`).
  public init(
    blocks: Int, activationBytes: Double, servers: [Server], relay: Relay = .servers,
    serverRoundTripSeconds: Double? = nil, overheadSeconds: Double = 0.018,
    clientBandwidth: Double = 12.5e6, clientSeconds: Double = 0, detectionSeconds: Double = 1,
    failures: FailureSettings = FailureSettings()
  ) {
    self.blocks = blocks
    self.activationBytes = activationBytes
    self.servers = servers
    self.relay = relay
    self.serverRoundTripSeconds = serverRoundTripSeconds
    self.overheadSeconds = overheadSeconds
    self.clientBandwidth = clientBandwidth
    self.clientSeconds = clientSeconds
    self.detectionSeconds = detectionSeconds
    self.failures = failures
  }

  /// What is wrong with the servers, if anything: layers that none holds, or layers beyond the model.
  public var problem: String? {
    for (index, server) in servers.enumerated() where server.endBlock > blocks {
      return "server \(index) holds layers \(server.firstBlock) to \(server.endBlock - 1);"
        + " the model has layers 0 to \(blocks - 1)"
    }
    for block in 0..<blocks
    where !servers.contains(where: { $0.firstBlock <= block && block < $0.endBlock }) {
      return "no server holds layer \(block); together they must hold layers 0 to \(blocks - 1)"
    }
    return nil
  }

  /// The time from one place to another, without the length of the message [s]; `nil` is the client.
  func tripSeconds(from: Int?, to: Int?) -> Double {
    switch (from, to) {
    case (let from?, let to?):
      (serverRoundTripSeconds
        ?? (servers[from].roundTripSeconds + servers[to].roundTripSeconds) / 2) / 2
    case (let server?, nil), (nil, let server?): servers[server].roundTripSeconds / 2
    case (nil, nil): 0
    }
  }

  /// The rate between two places [B/s]; `nil` is the client.
  func rate(from: Int?, to: Int?) -> Double {
    min(
      from.map { servers[$0].bandwidth } ?? clientBandwidth,
      to.map { servers[$0].bandwidth } ?? clientBandwidth)
  }

  /// What a message of one token takes on idle lines from one place to another, by the relay [s].
  func hopSeconds(from: Int?, to: Int?) -> Double {
    if from == to { return 0 }
    if relay == .client, from != nil, to != nil {
      return hopSeconds(from: from, to: nil) + hopSeconds(from: nil, to: to)
    }
    return tripSeconds(from: from, to: to) + activationBytes / rate(from: from, to: to)
      + (to == nil ? 0 : overheadSeconds)
  }
}
