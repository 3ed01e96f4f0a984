// SPDX-License-Identifier: GPL-3.0-or-later

/// The operation graph of one step, as a schedule has decided it beforehand.
///
/// Operations are added in the order in which a program would launch them. An operation waits for
///
/// - the one before it in the same *stream* (a queue in order, such as a CUDA stream or a thread),
/// - what it is told to wait for by ``wait(_:for:)``,
/// - what the *buffers* demand that it reads and writes: a reader waits for the last writer, a writer
///   for the last writer and everybody who has read since.
///
/// Since an operation only ever waits for earlier ones, a graph has no cycle. Memory is kept from a
/// step to the next.
public struct StepGraph: Sendable {
  /// An operation of the graph, by its place.
  public typealias Node = Int32

  /// No operation: waiting for it is no wait.
  public static let none: Node = -1

  /// A wait of one operation for another.
  public struct Edge: Sendable, BitwiseCopyable, Equatable {
    /// The one that waits.
    public var operation: Node
    /// The one waited for.
    public var other: Node
  }

  /// A queue of operations in order.
  public struct Stream: Sendable, BitwiseCopyable { fileprivate var index: Int }

  /// A place in a memory that is written, read, and written again.
  public struct Buffer: Sendable, BitwiseCopyable { fileprivate var index: Int }

  /// The operations in order of their launch.
  public private(set) var operations: [GraphOperation] = []
  /// The waits, in the order in which they were stated.
  public private(set) var edges: [Edge] = []
  private var lastOfStream: [Node] = []
  private var writers: [Node] = []
  private var readers: [[Node]] = []
  private var bufferCount = 0

  /// An empty graph.
  public init() {}

  /// Forgets everything but the memory that was used.
  public mutating func removeAll() {
    operations.removeAll(keepingCapacity: true)
    edges.removeAll(keepingCapacity: true)
    lastOfStream.removeAll(keepingCapacity: true)
    writers.removeAll(keepingCapacity: true)
    for index in 0..<bufferCount { readers[index].removeAll(keepingCapacity: true) }
    bufferCount = 0
  }

  /// Makes a queue in order.
  public mutating func makeStream() -> Stream {
    lastOfStream.append(Self.none)
    return Stream(index: lastOfStream.count - 1)
  }

  /// Makes a buffer that nobody has used.
  public mutating func makeBuffer() -> Buffer {
    writers.append(Self.none)
    if bufferCount == readers.count { readers.append([]) }
    bufferCount += 1
    return Buffer(index: bufferCount - 1)
  }

  /// Adds an operation; returns its place.
  @discardableResult
  public mutating func add(_ operation: GraphOperation, in stream: Stream? = nil) -> Node {
    let node = Node(operations.count)
    operations.append(operation)
    if let stream {
      wait(node, for: lastOfStream[stream.index])
      lastOfStream[stream.index] = node
    }
    return node
  }

  /// Lets an operation wait for an earlier one.
  public mutating func wait(_ node: Node, for other: Node) {
    guard other != Self.none else { return }
    precondition(other < node, "An operation waits for earlier ones alone.")
    edges.append(Edge(operation: node, other: other))
  }

  /// Lets an operation read a buffer: it waits for whoever wrote it last.
  public mutating func read(_ buffer: Buffer, by node: Node) {
    if writers[buffer.index] != node { wait(node, for: writers[buffer.index]) }
    readers[buffer.index].append(node)
  }

  /// Lets an operation write a buffer: it waits for whoever wrote it last and for all who read it
  /// since.
  public mutating func write(_ buffer: Buffer, by node: Node) {
    if writers[buffer.index] != node { wait(node, for: writers[buffer.index]) }
    for reader in readers[buffer.index] where reader != node { wait(node, for: reader) }
    readers[buffer.index].removeAll(keepingCapacity: true)
    writers[buffer.index] = node
  }

  /// The last operation of a stream, or ``none``.
  public func last(of stream: Stream) -> Node { lastOfStream[stream.index] }
}
