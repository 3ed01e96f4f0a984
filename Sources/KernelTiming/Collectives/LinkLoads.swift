// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware

/// How often the transfers of a step cross each link.
struct LinkLoads {
  private(set) var loads: [Double]
  private(set) var touched: [Int32] = []

  init(links: Int) { loads = Array(repeating: 0, count: links) }

  mutating func add(_ route: ClusterRoute) {
    for index in 0..<route.count {
      let leg = route[index]
      if loads[Int(leg.link)] == 0 { touched.append(leg.link) }
      loads[Int(leg.link)] += leg.weight
    }
  }

  mutating func clear() {
    for link in touched { loads[Int(link)] = 0 }
    touched.removeAll(keepingCapacity: true)
  }

  /// Seconds per byte of the fullest link that a route crosses.
  func secondsPerByte(_ route: ClusterRoute, _ links: [ClusterLink]) -> Double {
    var slowest = 0.0
    for index in 0..<route.count {
      let link = Int(route[index].link)
      slowest = max(slowest, loads[link] / links[link].rate)
    }
    return slowest
  }
}

/// What all members of a group sending to all others load the links with.
struct ExchangeCost: Sendable {
  /// One link: seconds per byte of a pair when all pairs send, and when all send to the receiver whose
  /// bytes load it most.
  struct Line: Sendable, BitwiseCopyable {
    var all: Double
    var oneReceiver: Double
  }

  private(set) var lines: [Line] = []
  /// Of the longest route, and of software [s].
  private(set) var latency = 0.0
  private(set) var launch = 0.0

  /// - Throws: `TopologyError` for the first pair without a route.
  init(_ devices: [Int], in topology: ClusterTopology) throws(TopologyError) {
    var all = [Double](repeating: 0, count: topology.links.count)
    var most = all
    var loads = LinkLoads(links: topology.links.count)
    for receiver in devices {
      for sender in devices where sender != receiver {
        let route = try topology.route(from: .gpu(sender), to: .gpu(receiver))
        loads.add(route)
        latency = max(latency, route.latency)
        launch = max(launch, route.launch)
      }
      for link in loads.touched {
        all[Int(link)] += loads.loads[Int(link)]
        most[Int(link)] = max(most[Int(link)], loads.loads[Int(link)])
      }
      loads.clear()
    }
    for (index, link) in topology.links.enumerated() where all[index] > 0 {
      add(Line(all: all[index] / link.rate, oneReceiver: most[index] / link.rate))
    }
  }

  private mutating func add(_ new: Line) {
    for line in lines where line.all >= new.all && line.oneReceiver >= new.oneReceiver { return }
    lines.removeAll { $0.all <= new.all && $0.oneReceiver <= new.oneReceiver }
    lines.append(new)
  }

  /// Seconds per byte that a pair exchanges in the mean, where one receiver gets `hot` times as much as
  /// the mean and the others share the rest: the fullest link's, whichever receiver it is.
  func secondsPerByte(hot: Double = 1, others: Double = 1) -> Double {
    var slowest = 0.0
    for line in lines {
      slowest = max(slowest, others * line.all + (hot - others) * line.oneReceiver)
    }
    return slowest
  }
}
