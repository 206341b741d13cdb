// SPDX-License-Identifier: Apache-2.0

/// Every bound of this layer: its unit is in its name or its type, its reason beside it.
public enum ReactorLimits {
  /// One read takes at most this much. As much as a socket usually holds, and small enough to stay in the second cache.
  public static let readScratchBytes = 64 * 1024
  /// Connections that the kernel completes ahead of us. The kernel cuts it at `net.core.somaxconn` (4096 by default).
  public static let backlog = 4096
  /// Connections accepted in one turn, so that a storm of connects does not starve those who are connected.
  public static let acceptsPerTurn = 64
  /// The rest after the first accept that found no descriptor or memory. It doubles with each one that fails again …
  public static let firstAcceptPause = Duration.milliseconds(100)
  /// … up to this: how long a freed descriptor of another thread may stay unused.
  public static let longestAcceptPause = Duration.seconds(1)
  /// What is read and dropped of a peer that still sends while it is told goodbye. Enough for most rejected bodies.
  public static let droppedBytes = 1024 * 1024
  /// The kernel is never asked to wait longer than this at once; a later deadline is armed again.
  public static let longestWait = Duration.seconds(24 * 60 * 60)
  /// The name of a thread, as the kernel keeps it (without the terminating zero).
  public static let threadNameBytes = 15
}
