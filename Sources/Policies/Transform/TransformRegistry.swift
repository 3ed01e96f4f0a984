// SPDX-License-Identifier: GPL-3.0-or-later

extension RoleRegistry {
  /// What is served in place of the published model.
  public static let transform: [RoleRegistration<any ModelTransform>] = [
    .init(name: "none", summary: "serves the model as it is") { NoTransform() },
    .init(
      name: "prune-experts", summary: "keeps some experts of each layer, for good",
      parameters: [
        RoleParameter("experts", .count(1...65_536), summary: "experts of each layer that stay"),
        RoleParameter(
          "by", .choice(PruneExperts.Selection.allCases.map(\.rawValue)), word: "number",
          summary: "which ones stay: the first, the most used, or those of most gate weight"),
        RoleParameter(
          "choices", .count(1...256), otherwise: "the model's",
          summary: "choices of each token afterwards"),
      ]
    ) { settings in
      PruneExperts(
        keep: settings.count("experts") ?? 1,
        selection: settings.text("by").flatMap { .init(rawValue: $0) } ?? .number,
        topK: settings.count("choices"))
    },
    .init(
      name: "fewer-choices", summary: "lets each token use the heaviest of its experts alone",
      parameters: [RoleParameter("top_k", .count(1...256), summary: "choices of each token")]
    ) { settings in FewerChoices(topK: settings.count("top_k") ?? 1) },
    .init(
      name: "compress-experts",
      summary: "keeps what a layer's experts have in common once, and a part of how each differs",
      parameters: [
        RoleParameter(
          "keep", .shares(0.01...1, most: 1), default: 0.25,
          summary: "the share of an expert's parameters that its residual keeps")
      ]
    ) { settings in CompressExperts(keep: settings.number("keep") ?? 0.25) },
    .init(
      name: "sparsify-experts",
      summary: "prunes elements of all experts in the pattern of sparse tensor cores",
      parameters: [
        RoleParameter(
          "keep", .shares(0.01...0.5, most: 1), default: 0.25,
          summary: "the share of the elements that stays, at most the half of 2:4")
      ]
    ) { settings in SparsifyExperts(keep: settings.number("keep") ?? 0.25) },
  ]
}
