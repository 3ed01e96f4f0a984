// SPDX-License-Identifier: GPL-3.0-or-later

/// What a simulation simulates: a value that handles events, and in turn schedules further ones.
///
/// A model is usually a non-copyable struct that switches over its own event enumeration.
public protocol Model: ~Copyable {
  /// The events that the model schedules and handles.
  associatedtype Event: BitwiseCopyable

  /// Handles one event at the simulation's present instant.
  mutating func handle(_ event: Event, in simulation: inout Simulation<Event>)
}
