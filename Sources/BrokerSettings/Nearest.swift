// SPDX-License-Identifier: Apache-2.0

/// What somebody may have meant who wrote a name that does not exist.
enum Nearest {
  /// Characters of a name that is worth comparing; the longest key has fewer.
  static let maxCharacters = 100

  /// The key, or section, nearest to an unknown one: a slip of the fingers, else the right word in the wrong section,
  /// else whatever is similar.
  static func key(to unknown: String) -> String? {
    let names = SettingsTable.keys.map(\.name) + SettingsTable.sections
    guard let best = best(for: unknown, among: names) else { return nil }
    if best.edits <= 2 { return best.isNear ? best.name : nil }
    let word = unknown.split(separator: ".").last.map { $0.lowercased() }
    return SettingsTable.keys.first { $0.leaf.lowercased() == word }?.name ?? (best.isNear ? best.name : nil)
  }

  /// The candidate nearest to an unknown name, if it is near.
  static func name(to unknown: String, among candidates: [String]) -> String? {
    best(for: unknown, among: candidates).flatMap { $0.isNear ? $0.name : nil }
  }

  /// The candidate with the fewest edits, the first among equals; near, if they are few for the length of the name.
  private static func best(
    for unknown: String, among candidates: [String]
  ) -> (name: String, edits: Int, isNear: Bool)? {
    guard unknown.count <= maxCharacters else { return nil }
    let bound = max(1, min(4, unknown.count / 4))
    let wanted = unknown.lowercased()
    return candidates.map { name in
      let edits = edits(wanted, name.lowercased())
      return (name, edits, edits <= bound)
    }.min { $0.edits < $1.edits }
  }

  /// Bytes to insert, drop, replace or swap with their neighbour (optimal string alignment distance).
  static func edits(_ left: String, _ right: String) -> Int {
    let (left, right) = (Array(left.utf8), Array(right.utf8))
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for row in left.indices {
      var current = [row + 1]
      for column in right.indices {
        let replaced = last[column] + (left[row] == right[column] ? 0 : 1)
        var best = min(replaced, last[column + 1] + 1, current[column] + 1)
        if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
          best = min(best, beforeLast[column - 1] + 1)
        }
        current.append(best)
      }
      (beforeLast, last) = (last, current)
    }
    return last[right.count]
  }
}
