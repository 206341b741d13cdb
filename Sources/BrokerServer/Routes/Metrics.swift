// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import ChatService
import Reactor
import Store
import Synchronization

/// `GET /metrics`: what all shards together have done, as Prometheus text (exposition format 0.0.4).
///
/// No user, channel or clientId is a label: their number is not bounded.
enum Metrics {
  static func answer(_ request: HTTPRequest, on connection: HTTPConnection) {
    let context = connection.shard.context
    connection.shard.answerLater(request.head, request.text.span, on: connection) {
      let report = await collect(from: context)
      let chat = await context.chat.statistics
      let remote = await context.remote?.statistics
      return HTTPReply(
        status: 200, type: .metrics, fields: "Cache-Control: no-store\r\n",
        body: Array(text(report, chat, remote, context).utf8))
    }
  }

  /// The sum of what every shard reports.
  static func collect(from context: ServerContext) async -> ShardReport {
    var sum = ShardReport()
    for mailbox in context.mailboxes {
      let report = await withCheckedContinuation { continuation in
        if !mailbox.post(.report { continuation.resume(returning: $0) }) {
          continuation.resume(returning: ShardReport())
        }
      }
      sum.counters = sum.counters + report.counters
      sum.http = sum.http + report.http
      sum.sessions += report.sessions
      sum.held += report.held
      sum.channels += report.channels
      sum.users += report.users
      sum.connections += report.connections
      if report.history.channels > 0 { sum.history = report.history }
      sum.queueBytes += report.queueBytes
    }
    return sum
  }

  private static func text(
    _ report: ShardReport, _ chat: ChatStatistics, _ remote: RemoteStatistics?, _ context: ServerContext
  ) -> String {
    var page = Page()
    let counters = report.counters
    page.gauge("broker_sessions", "Bayeux sessions", report.sessions)
    page.gauge("broker_connects_held", "Connects held at this moment", report.held)
    page.gauge(
      "broker_channels", "Channels and patterns somebody is subscribed to, summed over shards", report.channels)
    page.gauge("broker_users", "Users with a session or with messages waiting", report.users)
    page.counter(
      "broker_handshakes_total", "Handshakes", "result",
      [
        ("accepted", counters.handshakes), ("refused", counters.handshakesRefused),
      ])
    page.counter(
      "broker_headerless_handshakes_total", "Handshakes that named no gms_user", counters.handshakesWithoutUser)
    page.counter("broker_connects_total", "Connects received", counters.connects)
    page.counter("broker_connects_held_total", "Connects that were held", counters.connectsHeld)
    page.counter("broker_connects_overtaken_total", "Held connects that a newer one ended", counters.connectsOvertaken)
    page.counter("broker_connects_abandoned_total", "Held connects whose client hung up", counters.connectsAbandoned)
    page.counter(
      "broker_messages_in_total", "Messages of clients by kind", "kind",
      [
        ("subscribe", counters.subscribes), ("unsubscribe", counters.unsubscribes),
        ("disconnect", counters.disconnects), ("publish", counters.publishes),
      ])
    page.counter("broker_refusals_total", "Messages answered with an error", counters.refusals)
    page.counter("broker_unknown_sessions_total", "Messages answered with 402", counters.unknownSessions)
    page.counter("broker_user_mismatches_total", "Messages that named another gms_user", counters.userMismatches)
    page.counter(
      "broker_sessions_ended_total", "Sessions that ended without a disconnect", "reason",
      [
        ("expired", counters.sessionsExpired), ("queue_full", counters.sessionsOverflowed),
        ("memory", counters.sessionsShed), ("inactive", counters.sessionsInactive),
      ])
    limits(counters, &page)
    replay(report, &page)
    page.gauge("broker_queue_bytes", "Bytes in queues of sessions", report.queueBytes)
    additions(report, &page)
    ledger(counters, &page)
    http(report, &page)
    self.chat(chat, &page)
    if let remote { backend(remote, &page) }
    store(context.store.journal.statistics, &page)
    process(context, &page)
    return page.text
  }

  private static func limits(_ counters: BrokerCounters, _ page: inout Page) {
    page.counter(
      "broker_limits_reached_total", "Requests and messages refused because of a limit", "limit",
      [
        ("messages_per_batch", counters.limitBatch), ("sessions", counters.limitSessions),
        ("sessions_per_user", counters.limitUserSessions), ("sessions_per_address", counters.limitAddressSessions),
        ("handshakes_per_second", counters.limitHandshakeRate),
        ("subscriptions_per_session", counters.limitSubscriptions), ("message_bytes", counters.limitMessageBytes),
        ("publishes_per_second", counters.limitPublishRate), ("channel_per_second", counters.limitChannelRate),
      ])
  }

  /// What browsers, restored sessions, services and compression have done.
  private static func additions(_ report: ShardReport, _ page: inout Page) {
    let counters = report.counters
    page.counter("broker_sessions_restored_total", "Sessions taken over by a new handshake", counters.sessionsRestored)
    page.counter(
      "broker_connects_crowded_total", "Connects not held because their browser holds too many",
      counters.connectsCrowded)
    page.counter("broker_service_calls_total", "Publishes to a service that has a handler", counters.serviceCalls)
    page.counter(
      "broker_websocket_compressed_total", "Messages sent compressed, by whether they were compressed for it", "work",
      [("compressed", report.http.compressed), ("shared", report.http.compressedShared)])
  }

  /// Accepted means accounted for: what went in came out, waits, or was dropped with a reason.
  private static func ledger(_ counters: BrokerCounters, _ page: inout Page) {
    page.counter("broker_queued_total", "Messages put into queues of sessions", counters.queued)
    page.counter("broker_deliveries_total", "Messages taken from queues into answers", counters.delivered)
    page.gauge("broker_queue_messages", "Messages in queues of sessions", counters.waiting)
    page.counter(
      "broker_discarded_total", "Messages discarded with their session", "reason",
      [
        ("expired", counters.discardedExpired), ("disconnected", counters.discardedDisconnected),
        ("queue_full", counters.discardedOverflow), ("memory", counters.discardedShed),
      ])
    page.counter(
      "broker_dropped_total", "Messages that gave way in a full queue", "which",
      [
        ("oldest", counters.droppedOldest), ("newest", counters.droppedNewest),
      ])
    page.counter("broker_user_messages_total", "Messages accepted for a user", counters.personalAccepted)
    page.counter(
      "broker_user_messages_delivered_total", "Messages handed to at least one session of their user",
      counters.personalDelivered)
    page.gauge("broker_user_messages_waiting", "Messages no session of their user was handed", counters.personalWaiting)
    page.counter(
      "broker_user_messages_dropped_total", "Messages for users that were given up", "reason",
      [
        ("age", counters.personalExpired), ("backlog_full", counters.personalDroppedFull),
        ("backlog_bytes", counters.personalDroppedBytes),
        ("too_many_users", counters.personalDroppedUsers),
      ])
    page.gauge("broker_ledger_imbalance", "What the ledgers are out of balance by; 0", counters.imbalance)
  }

  private static func replay(_ report: ShardReport, _ page: inout Page) {
    let counters = report.counters
    page.counter("broker_replays_total", "Subscriptions that asked for events of the past", counters.replays)
    page.counter(
      "broker_replays_incomplete_total", "Of these, those that asked for more than is kept", counters.replaysIncomplete)
    page.counter("broker_replayed_total", "Events of the past put into queues of sessions", counters.replayed)
    page.counter(
      "broker_publishes_not_kept_total", "Publishes to durable channels that could not be written",
      counters.publishesNotKept)
    page.gauge("broker_history_events", "Events of durable channels that can be replayed", report.history.events)
    page.gauge("broker_history_bytes", "Size of these events", report.history.bytes)
    page.gauge("broker_history_channels", "Durable channels that are known", report.history.channels)
  }

  private static func http(_ report: ShardReport, _ page: inout Page) {
    page.gauge("broker_http_connections", "Open connections", report.connections)
    page.counter("broker_http_accepted_total", "Connections accepted", report.http.accepted)
    page.counter("broker_http_moved_total", "Connections that moved to the shard of their session", report.http.moved)
    page.counter("broker_http_requests_total", "Requests read", report.http.requests)
    page.counter("broker_http_received_bytes_total", "Bytes read", report.http.bytesIn)
    page.counter(
      "broker_http_rejects_total", "Connections and requests refused", "cause",
      [
        ("malformed", report.http.refused), ("timeout", report.http.timeouts),
        ("too_many_connections", report.http.overLimit), ("no_descriptors", report.http.exhausted),
      ])
  }

  private static func chat(_ chat: ChatStatistics, _ page: inout Page) {
    page.gauge("broker_chat_services", "GMS services that have not expired", chat.services)
    page.gauge("broker_chat_live", "Chats that have not ended", chat.liveChats)
    page.counter("broker_chat_opened_total", "Chats opened", chat.chatsOpened)
    page.counter("broker_chat_customer_messages_total", "Messages of customers", chat.messagesIn)
    page.counter("broker_chat_agent_messages_total", "Messages of agents", chat.messagesOut)
    page.counter("broker_chat_notifications_total", "Events posted to /_genesys", chat.notifications)
    page.counter(
      "broker_pushes_total", "Native pushes", "result",
      [
        ("delivered", chat.pushesDelivered), ("failed", chat.pushesFailed),
        ("no_provider", chat.pushesWithoutProvider),
      ])
    page.counter("broker_unauthorized_total", "Calls refused for want of user and password", chat.unauthorized)
  }

  /// Only where the chat backend is a remote one.
  private static func backend(_ remote: RemoteStatistics, _ page: inout Page) {
    page.gauge("broker_backend_up", "0 while the last call of the chat backend failed", remote.isReachable ? 1 : 0)
    page.counter(
      "broker_backend_calls_total", "Calls of the chat backend", "result",
      [("done", remote.callsDone), ("refused", remote.callsRefused), ("failed", remote.callsFailed)])
    page.counter("broker_backend_retries_total", "Attempts of such calls after the first", remote.retries)
    page.gauge("broker_backend_calls_waiting", "Calls of the chat backend that are not answered", remote.waiting)
    page.counter(
      "broker_backend_events_total", "Events that the chat backend told", "result",
      [
        ("accepted", remote.eventsAccepted), ("refused", remote.eventsRefused),
        ("to_be_sent_again", remote.eventsPostponed),
      ])
  }

  private static func store(_ store: StoreStatistics, _ page: inout Page) {
    page.counter("broker_store_transactions_total", "Transactions that were committed", store.transactions)
    page.counter("broker_store_commits_total", "Commits in them, each of which somebody waited for", store.commits)
    page.counter("broker_store_changes_total", "Rows that they changed", store.changes)
    page.counter("broker_store_failures_total", "Transactions that failed", store.failures)
    page.counter("broker_store_refused_total", "Commits that were told of a failure", store.commitsFailed)
    page.counter(
      "broker_store_commit_microseconds_total", "Time from a commit being asked for to its answer, summed",
      Int(store.commitTime.wholeNanoseconds / 1_000))
    page.gauge(
      "broker_store_longest_commit_microseconds", "The longest such time",
      Int(store.longestCommit.wholeNanoseconds / 1_000))
    page.gauge("broker_store_waiting", "Commits that are not written yet", store.waiting)
    page.gauge("broker_store_messages", "Messages for users that are kept", store.messages)
    page.gauge("broker_store_restored_messages", "Messages for users found at the start", store.messagesRestored)
    page.gauge("broker_store_bytes", "Size of the data file with its log", store.fileBytes)
    page.gauge("broker_store_failing", "1 while the last write failed", store.isFailing ? 1 : 0)
  }

  private static func process(_ context: ServerContext, _ page: inout Page) {
    page.gauge("broker_shards", "Loop threads", context.shardCount)
    if let count = Reactor.openDescriptorCount { page.gauge("broker_fd_open", "Open descriptors", count) }
    page.gauge("broker_fd_limit", "Most descriptors that may be open", context.descriptorLimit)
    let uptime = EventLoop.clock() - context.started
    page.gauge("broker_uptime_seconds", "Time since the start", Int(uptime.components.seconds))
    page.labelled("broker_build_info", "gauge", "The version, as a label", "version", [(BrokerServer.version, 1)])
  }
}

/// The text format, line by line.
private struct Page {
  private(set) var text = ""

  mutating func gauge(_ name: String, _ help: String, _ value: Int) { plain(name, "gauge", help, value) }
  mutating func counter(_ name: String, _ help: String, _ value: Int) { plain(name, "counter", help, value) }
  mutating func counter(_ name: String, _ help: String, _ label: String, _ values: [(String, Int)]) {
    labelled(name, "counter", help, label, values)
  }

  private mutating func plain(_ name: String, _ type: String, _ help: String, _ value: Int) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n\(name) \(value)\n"
  }

  mutating func labelled(_ name: String, _ type: String, _ help: String, _ label: String, _ values: [(String, Int)]) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    for (value, count) in values { text += "\(name){\(label)=\"\(value)\"} \(count)\n" }
  }
}
