// SPDX-License-Identifier: Apache-2.0

/// What an arrival was.
enum Arrival: Hashable, Sendable {
  /// For the first time; out of order if something later of its stream had come before.
  case fresh(outOfOrder: Bool)
  case duplicate
}

/// Which sequence numbers of one publisher and destination one client has had.
///
/// While nothing goes wrong it is a counter: all below `contiguous` came. What came beyond a gap is kept as ranges.
struct StreamLedger: Sendable {
  private(set) var contiguous: UInt32 = 0
  /// Sorted, apart from one another and from `contiguous`.
  private var islands: [Range<UInt32>] = []

  mutating func arrived(_ sequence: UInt32) -> Arrival {
    if sequence == contiguous {
      contiguous += 1
      guard let first = islands.first else { return .fresh(outOfOrder: false) }
      if first.lowerBound == contiguous {
        contiguous = first.upperBound
        islands.removeFirst()
      }
      return .fresh(outOfOrder: true)
    }
    if sequence < contiguous { return .duplicate }
    return arrivedBeyondGap(sequence)
  }

  private mutating func arrivedBeyondGap(_ sequence: UInt32) -> Arrival {
    guard let last = islands.last, sequence <= last.upperBound else {
      islands.append(sequence..<sequence + 1)
      return .fresh(outOfOrder: false)
    }
    if sequence == last.upperBound {
      islands[islands.count - 1] = last.lowerBound..<sequence + 1
      return .fresh(outOfOrder: false)
    }
    // The first island that ends behind it.
    var low = 0
    var high = islands.count - 1
    while low < high {
      let middle = (low + high) / 2
      if islands[middle].upperBound > sequence { high = middle } else { low = middle + 1 }
    }
    if islands[low].contains(sequence) { return .duplicate }
    let joinsNext = islands[low].lowerBound == sequence + 1
    let joinsPrevious = low > 0 && islands[low - 1].upperBound == sequence
    switch (joinsPrevious, joinsNext) {
    case (true, true):
      islands[low - 1] = islands[low - 1].lowerBound..<islands[low].upperBound
      islands.remove(at: low)
    case (true, false): islands[low - 1] = islands[low - 1].lowerBound..<sequence + 1
    case (false, true): islands[low] = sequence..<islands[low].upperBound
    case (false, false): islands.insert(sequence..<sequence + 1, at: low)
    }
    return .fresh(outOfOrder: true)
  }

  /// How many of the first `published` numbers came.
  func received(of published: UInt32) -> Int {
    islands.reduce(Int(min(contiguous, published))) {
      $0 + $1.clamped(to: 0..<published).count
    }
  }
}

/// What one client has had, of every publisher and destination that concerns it.
struct ClientLedger: Sendable {
  /// What it subscribed to; a handful, so they are searched one by one.
  let destinations: [UInt32]
  let publishers: Int
  private var streams: [StreamLedger]

  init(destinations: [UInt32], publishers: Int) {
    self.destinations = destinations
    self.publishers = publishers
    streams = Array(repeating: StreamLedger(), count: destinations.count * publishers)
  }

  /// - Returns: nil where the message was for somebody else: it was misdelivered.
  mutating func arrived(_ marker: Marker) -> Arrival? {
    guard let slot = destinations.firstIndex(of: marker.destination), Int(marker.publisher) < publishers else {
      return nil
    }
    return streams[slot * publishers + Int(marker.publisher)].arrived(marker.sequence)
  }

  /// - Parameter published: how many numbers a publisher used for a destination.
  func lost(published: (_ publisher: Int, _ destination: UInt32) -> UInt32) -> Int {
    var lost = 0
    for (slot, destination) in destinations.enumerated() {
      for publisher in 0..<publishers {
        let count = published(publisher, destination)
        lost += Int(count) - streams[slot * publishers + publisher].received(of: count)
      }
    }
    return lost
  }
}
