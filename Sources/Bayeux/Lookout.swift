// SPDX-License-Identifier: Apache-2.0

/// The sessions that got something and are to be looked at, each once, in the order in which they were noted.
///
/// A message to one person does not wait behind one to everybody: sessions that got a personal one stand in a line of
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

  private var many = Line()
  private var personal = Line()
  private var isPersonalsTurn = true

  var isEmpty: Bool { many.isEmpty && personal.isEmpty }

  mutating func note(_ session: Session, isPersonal: Bool) {
    if isPersonal {
      if session.isNotedPersonally { return }
      session.isNotedPersonally = true
      personal.append(session)
    } else {
      if session.isNoted { return }
      session.isNoted = true
      many.append(session)
    }
  }

  mutating func next() -> Session? {
    if isPersonalsTurn, let session = personal.popFirst() {
      isPersonalsTurn = false
      session.isNotedPersonally = false
      return session
    }
    isPersonalsTurn = true
    guard let session = many.popFirst() else { return personal.isEmpty ? nil : next() }
    session.isNoted = false
    return session
  }
}
