// SPDX-License-Identifier: GPL-3.0-or-later

/// The candidate with the fewest insertions, deletions and replacements from `text`, or `nil` where
/// even that one shares too little with it to be what was meant.
///
/// - Complexity: O(*n* · *m*) for each candidate, in the lengths of the two texts.
func closestText(to text: String, among candidates: [String]) -> String? {
  var best: (candidate: String, distance: Int)?
  for candidate in candidates {
    let distance = editDistance(Array(text.utf8), Array(candidate.utf8))
    if distance < best?.distance ?? Int.max { best = (candidate, distance) }
  }
  guard let best, best.distance <= max(3, max(text.utf8.count, best.candidate.utf8.count) / 2)
  else { return nil }
  return best.candidate
}

/// The number of insertions, deletions and replacements that turn one text into the other
/// (Levenshtein 1966).
private func editDistance(_ first: [UInt8], _ second: [UInt8]) -> Int {
  var row = Array(0...second.count)
  for (line, byte) in first.enumerated() {
    var diagonal = row[0]
    row[0] = line + 1
    for column in second.indices {
      let replaced = diagonal + (byte == second[column] ? 0 : 1)
      diagonal = row[column + 1]
      row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
    }
  }
  return row[second.count]
}
