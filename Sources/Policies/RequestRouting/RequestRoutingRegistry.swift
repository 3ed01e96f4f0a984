// SPDX-License-Identifier: GPL-3.0-or-later

extension RoleRegistry {
  /// Which replica a request goes to.
  public static let requestRouting: [RoleRegistration<any RequestRoutingPolicy>] = [
    .init(name: "round-robin", summary: "one replica after the other") { RoundRobinRouting() },
    .init(name: "random", summary: "any replica, each as likely") { RandomRouting() },
    LeastOutstandingRouting.registration, LeastLoadedRouting.registration,
    PowerOfTwoRouting.registration, KeyValueAwareRouting.registration,
    CacheAwareRouting.registration, CategoricalRouting.registration,
  ]
}
