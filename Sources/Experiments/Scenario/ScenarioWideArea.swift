// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import ModelDescriptors
import Serving

/// A pipeline over a wide-area network, as far as the model does not say.
public struct ScenarioWideArea: Sendable {
  /// The servers: each with the layers that it holds, or a number among which the model's layers are
  /// divided.
  public enum Servers: Sendable {
    /// So many alike, with consecutive layers, the first ones with one more where they do not divide.
    case evenly(Int, like: WideAreaSettings.Server)
    /// As written.
    case each([WideAreaSettings.Server])
  }

  /// The servers.
  public var servers: Servers
  /// All else: the settings of a model without layers.
  public var settings: WideAreaSettings
  /// Where it stands.
  public var location: SourceLocation

  /// The pipeline for a model.
  ///
  /// - Parameter failures: What befalls the servers.
  /// - Throws: A `Diagnostic` when the servers do not hold the model between them.
  public func settings(
    for model: ModelDescriptor, precision: PrecisionPlan, failures: FailureSettings
  ) throws -> WideAreaSettings {
    var settings = settings
    settings.blocks = model.layers.count
    settings.activationBytes =
      Double(model.hiddenSize) * precision.activations.bitsPerWeight / 8
    settings.failures = failures
    switch servers {
    case .each(let servers): settings.servers = servers
    case .evenly(let count, let like):
      guard count <= settings.blocks else {
        throw Diagnostic(
          location: location, path: "fleet.wide_area.servers",
          message: "\(count) servers are more than the \(settings.blocks) layers of \(model.name)")
      }
      var first = 0
      settings.servers = (0..<count).map { index in
        var server = like
        server.firstBlock = first
        server.blockCount = settings.blocks / count + (index < settings.blocks % count ? 1 : 0)
        first = server.endBlock
        return server
      }
    }
    if let problem = settings.problem {
      throw Diagnostic(location: location, path: "fleet.wide_area.servers", message: problem)
    }
    return settings
  }
}
