// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

/// What is known of one model from outside the project: published figures, and figures that were
/// computed by hand from its public configuration, independently of this code.
///
/// Published totals and active counts are those of model cards and papers as cited in
/// `models/NAME.yaml`; billions are 10⁹. Computed figures leave out vision towers and layers for
/// multi-token prediction. Keys and values are in bfloat16, every attention layer counted whole.
struct ModelFacts: CustomTestStringConvertible {
  var name: String
  var layers: Int
  var moeLayers: Int
  var experts: Int
  var topK: Int
  var published: Double?
  var publishedActive: Double?
  var total: Double
  var activeWithout: Double
  var activeWith: Double
  var expertMillions: Double?
  var expertMegabytes: Double?
  var keyValueBytes: Double

  init(
    _ name: String, layers: Int, moeLayers: Int, experts: Int, topK: Int, published: Double?,
    publishedActive: Double?, total: Double, activeWithout: Double, activeWith: Double,
    expertMillions: Double?, expertMegabytes: Double?, keyValueBytes: Double
  ) {
    self.name = name
    self.layers = layers
    self.moeLayers = moeLayers
    self.experts = experts
    self.topK = topK
    self.published = published
    self.publishedActive = publishedActive
    self.total = total
    self.activeWithout = activeWithout
    self.activeWith = activeWith
    self.expertMillions = expertMillions
    self.expertMegabytes = expertMegabytes
    self.keyValueBytes = keyValueBytes
  }

  var testDescription: String { name }
}
