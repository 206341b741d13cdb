// SPDX-License-Identifier: Apache-2.0

/// What a commit outlives.
public enum Durability: String, Sendable, Hashable, CaseIterable {
  /// The end of the process, `kill -9` included. A commit costs no wait for the disk.
  case process
  /// A loss of power too: each transaction waits for the disk.
  case power
}

/// How a ``Journal`` keeps what it is given, with every bound it has.
public struct StoreOptions: Sendable, Hashable {
  /// Nil keeps nothing: every commit succeeds at once.
  public var directory: String?
  public var durability = Durability.process
  /// Most bytes of the data file, rounded down to whole pages; beyond it a commit is ``StoreError/full``. Nil leaves
  /// it to the disk.
  public var maxBytes: Int?
  /// Changes of one transaction. Bounds how long the first one of a group waits for the last.
  public var maxChangesPerTransaction = 1_000
  /// How long a removal of handed-over messages may wait for others, or for a commit to ride with. Nobody waits for it.
  public var removalDelay: Duration = .milliseconds(20)
  /// How often a failed write is tried again while nothing else is to be written.
  public var retryInterval: Duration = .seconds(1)
  /// How often the file is looked at while nothing is to be written. Every write looks at it, too.
  public var checkInterval: Duration = .seconds(5)

  public init(directory: String? = nil, durability: Durability = .process) {
    self.directory = directory
    self.durability = durability
  }
}

/// What a ``Journal`` has done and has now.
public struct StoreStatistics: Sendable, Hashable {
  /// Transactions that were committed, the commits in them, and what these changed.
  public var transactions = 0
  public var commits = 0
  public var changes = 0
  /// Transactions that failed, and commits that were told so.
  public var failures = 0
  public var commitsFailed = 0
  /// From the moment a commit was asked for until it was on its way back, summed over ``commits``; and the longest.
  public var commitTime: Duration = .zero
  public var longestCommit: Duration = .zero
  /// Commits not written yet, those that failed and are kept included.
  public var waiting = 0
  /// Messages that no session was handed yet.
  public var messages = 0
  /// Messages found at the start.
  public var messagesRestored = 0
  /// Of the data file with its log.
  public var fileBytes = 0
  /// Whether the last transaction failed, or the last look at the file.
  public var isFailing = false

  public init() {}
}
