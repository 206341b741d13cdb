// SPDX-License-Identifier: Apache-2.0

/// The sessions that got something and are to be looked at, each once, in the order in which they were noted.
///
/// A message to one person, or to a few, does not wait behind one to everybody: sessions that got one stand in a line of
/// their own, and the two lines take turns, so that neither holds the other up.
struct Lookout {
  private struct Line {
    private var sessions: [Session] = []
    private var head = 0

    var isEmpty: Bool { head == sessions.count }

    mutating func append(_ session: Session) { sessions.append(session) }

    mutating func popFirst() -> Session? {
      guard !isEmpty else { return nil }
      defer {
        head += 1
        if isEmpty {
          // A fan-out to very many is no reason to keep their room for good.
          sessions.removeAll(keepingCapacity: sessions.count <= 1 << 16)
          head = 0
        }
      }
      return sessions[head]
    }
  }

  /// So many subscribers are a few.
  static let mostOfFew = 16

  private var many = Line()
  private var few = Line()
  private var isTurnOfFew = true

  var isEmpty: Bool { many.isEmpty && few.isEmpty }

  mutating func note(_ session: Session, isToFew: Bool) {
    if isToFew {
      if session.isNotedAmongFew { return }
      session.isNotedAmongFew = true
      few.append(session)
    } else {
      if session.isNoted { return }
      session.isNoted = true
      many.append(session)
    }
  }

  mutating func next() -> Session? {
    if isTurnOfFew, let session = few.popFirst() {
      isTurnOfFew = false
      session.isNotedAmongFew = false
      return session
    }
    isTurnOfFew = true
    guard let session = many.popFirst() else { return few.isEmpty ? nil : next() }
    session.isNoted = false
    return session
  }
}
