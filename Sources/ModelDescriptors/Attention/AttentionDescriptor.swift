// SPDX-License-Identifier: GPL-3.0-or-later

/// What mixes positions in a layer.
public enum AttentionDescriptor: Hashable, Sendable {
  /// Nothing: a layer with a feed-forward part alone.
  case none
  /// MHA, GQA or MQA, with or without a window or block selection.
  case grouped(GroupedAttention)
  /// Multi-head latent attention, with or without token selection.
  case latent(LatentAttention)
  /// DeepSeek-V4's shared row with a window and a compressed history.
  case compressed(CompressedAttention)
  /// Gated DeltaNet.
  case gatedDeltaNet(GatedDeltaNet)
  /// Mamba-2.
  case mamba2(Mamba2)
  /// Kimi Delta Attention.
  case kimiDelta(KimiDeltaAttention)

  /// The mixer, or `nil` for none.
  public var mixer: (any SequenceMixer)? {
    switch self {
    case .none: nil
    case .grouped(let mixer): mixer
    case .latent(let mixer): mixer
    case .compressed(let mixer): mixer
    case .gatedDeltaNet(let mixer): mixer
    case .mamba2(let mixer): mixer
    case .kimiDelta(let mixer): mixer
    }
  }

  /// Which positions a token attends to; recurrent where there is no attention.
  public var span: AttentionSpan { mixer?.span ?? .recurrent }

  /// A name for messages and tables.
  public var kind: String {
    switch self {
    case .none: "none"
    case .grouped(let mixer) where mixer.heads == mixer.keyValueHeads: "MHA"
    case .grouped: "GQA"
    case .latent: "MLA"
    case .compressed: "compressed"
    case .gatedDeltaNet: "Gated DeltaNet"
    case .mamba2: "Mamba-2"
    case .kimiDelta: "KDA"
    }
  }
}
