// SPDX-License-Identifier: GPL-3.0-or-later

/// The candidate that a writer of `text` probably meant, or `nil` when none is near.
///
/// Near is an edit distance (insertion, deletion, substitution, swap of neighbours; case and the
/// difference of "-" and "_" are free) of at most a third of the length, or a candidate that begins
/// with `text` or the reverse. Of equally near candidates the first wins.
/// - Complexity: O(`among.count` · 64²).
public func closestMatch(to text: String, among candidates: [String]) -> String? {
  let wanted = folded(text)
  guard !wanted.isEmpty else { return nil }
  var best: (distance: Int, candidate: String)?
  for candidate in candidates {
    let other = folded(candidate)
    var distance = editDistance(wanted, other)
    let allowed = max(1, max(wanted.count, other.count) / 3)
    if wanted.count >= 3, other.starts(with: wanted) || wanted.starts(with: other), !other.isEmpty {
      distance = min(distance, allowed)
    }
    guard distance <= allowed else { continue }
    if best.map({ distance < $0.distance }) ?? true { best = (distance, candidate) }
  }
  return best?.candidate
}

/// "; did you mean 'x'?" or nothing.
func suggestion(for text: String, among candidates: [String]) -> String {
  closestMatch(to: text, among: candidates).map { "; did you mean '\($0)'?" } ?? ""
}

/// The first 64 scalars in lower case, with "_" and " " as "-".
private func folded(_ text: String) -> [Unicode.Scalar] {
  text.prefix(64).lowercased().unicodeScalars.prefix(64).map { $0 == "_" || $0 == " " ? "-" : $0 }
}

/// The optimal string alignment distance.
private func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
  if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
  var beforePrevious = [Int](repeating: 0, count: b.count + 1)
  var previous = Array(0...b.count)
  var current = previous
  for i in 1...a.count {
    current[0] = i
    for j in 1...b.count {
      let cost = a[i - 1] == b[j - 1] ? 0 : 1
      current[j] = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + cost)
      if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
        current[j] = min(current[j], beforePrevious[j - 2] + 1)
      }
    }
    (beforePrevious, previous, current) = (previous, current, beforePrevious)
  }
  return previous[b.count]
}
