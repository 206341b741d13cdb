// SPDX-License-Identifier: Apache-2.0
public import ChatService
import Bayeux
import Bytes
import Glibc
public import Logging
import Reactor
import Store
import Synchronization

/// The addresses a broker listens on, as `host:port`.
public struct ListenAddresses: Sendable, Hashable {
  public let publicAddress: String
  public let adminAddress: String
}

/// A Bayeux push broker with the GMS chat API beside it: started once, stopped once, used from any thread.
///
///     let broker = try BrokerServer(configuration: ServerConfiguration(), backend: MyBackend(), logger: logger)
///     let addresses = try await broker.start()
///     …
///     await broker.shutdown(within: .seconds(5))
public final class BrokerServer: Sendable {
  public static let version = "0.1.0"

  private enum Life {
    case new
    case running(threads: [LoopThread], work: [Task<Void, Never>])
    case stopping
    case stopped
  }
  private struct State {
    var life = Life.new
    var waiters: [CheckedContinuation<Void, Never>] = []
  }

  private let configuration: ServerConfiguration
  let context: ServerContext
  private let state = Mutex(State())
  private let logger: Logger
  private let pushClient: HTTPClient?
  private let backendClient: HTTPClient?
  /// With a data directory.
  private let storage: JournalStorage?
  /// The in-process chat backend; nil where the host brought its own, or a remote one is configured.
  public let embeddedBackend: EmbeddedChatBackend?

  /// - Parameters:
  ///   - backend: what stands behind the chat API; nil uses what is configured: an ``EmbeddedChatBackend`` that is driven
  ///     through the admin listener, or a remote one.
  ///   - pushProviders: native push by device type or provider name, besides those that the configuration switches on.
  ///   - verifier: decides who a request comes from; nil believes the user header as configured.
  /// - Throws: ``ConfigurationError``; ``ReactorError`` where the system has no descriptors left.
  public init(
    configuration: ServerConfiguration, backend: (any ChatBackend)? = nil, verifier: (any UserVerifier)? = nil,
    pushProviders: [String: any PushProvider] = [:], logger: Logger
  ) throws {
    self.configuration = configuration
    self.logger = logger
    let shards = configuration.server.shards ?? max(1, min(255, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    guard (1...255).contains(shards) else { throw ConfigurationError.badShardCount(shards) }
    try Self.check(configuration)
    Reactor.ignoreSIGPIPE()
    let descriptors = Reactor.raiseDescriptorLimit()
    let mailboxes = try (0..<shards).map { _ in try Mailbox<ShardCommand>() }
    let additions = Self.additions(configuration, mailboxes)
    let publisher = Publisher(mailboxes, extensions: additions.extensions)
    let clock = SystemClock()
    backendClient = backend == nil ? try configuration.chat.makeClient() : nil
    let remote = try backendClient.map {
      try configuration.chat.makeBackend($0, limits: configuration.gms.chat.limits, clock: clock, logger: logger)
    }
    embeddedBackend = backend == nil && remote == nil ? EmbeddedChatBackend(clock: clock) : nil
    let behind: any ChatBackend = backend ?? remote ?? embeddedBackend ?? EmbeddedChatBackend(clock: clock)
    let push = configuration.push
    let needsClient = push.enabled.contains("customhttp") || push.enabled.contains("httpcb")
    pushClient = needsClient ? try HTTPClient(name: "push", push.client) : nil
    var configuration = configuration
    configuration.gms.chat.credentials = BasicCredentials(
      username: configuration.server.username, password: configuration.server.password)
    configuration.gms.chat.cometPath = configuration.bayeux.path
    var options = StoreOptions(directory: configuration.data.directory, durability: configuration.data.durability)
    options.maxBytes = configuration.data.maxBytes
    let journal = Journal(options)
    let events = EventHistory(
      journal, mailboxes, isUsed: configuration.bayeux.rules.contains { $0.durable == true }, logger: logger)
    let store = StoreBridge(journal, events: events, publisher: publisher, logger: logger)
    storage =
      store.journal.isInMemory
      ? nil : JournalStorage(store.journal, limits: configuration.gms.chat.storageLimits, clock: clock)
    let chat = ChatService(
      configuration: configuration.gms.chat, backend: behind, notifier: publisher, journal: store, clock: clock,
      pushProviders: PushProviders.make(push, pushClient).merging(pushProviders) { $1 }, storage: storage)
    var bayeux = configuration.bayeux.options
    do throws(ChannelRuleFault) {
      bayeux.rules = try ChannelRules(
        configuration.bayeux.rules, maxChannelBytes: bayeux.limits.maxChannelBytes)
    } catch {
      throw ConfigurationError.badRule(error)
    }
    // Whom a handshake names no verifier has seen.
    if verifier != nil { bayeux.takesUserFromHandshake = false }
    if configuration.webSocket.isEnabled { bayeux.connectionTypes.insert("websocket", at: 0) }
    if !configuration.bayeux.jsonp { bayeux.connectionTypes.removeAll { $0 == "callback-polling" } }
    context = ServerContext(
      configuration: configuration, bayeux: bayeux, additions: additions,
      opensChannels: configuration.bayeux.openChannels ?? Self.isLoopback(configuration.server.host),
      identity: try UserIdentity(configuration, verifier: verifier),
      crossOrigin: try CrossOrigin(
        configuration.http.allowedOrigins, userHeaders: configuration.gms.userHeaders), mailboxes: mailboxes,
      chat: chat,
      embedded: embeddedBackend, remote: remote, publisher: publisher, store: store, descriptorLimit: descriptors,
      logger: logger)
  }

  /// What the configuration and the embedder add to the brokers of all shards.
  private static func additions(
    _ configuration: ServerConfiguration, _ mailboxes: [Mailbox<ShardCommand>]
  ) -> BrokerAdditions {
    let bayeux = configuration.bayeux
    var extensions: [any Extension] = []
    if bayeux.timesync { extensions.append(TimesyncExtension()) }
    if bayeux.timestamp { extensions.append(TimestampExtension()) }
    var additions = BrokerAdditions()
    additions.extensions = ExtensionChain(extensions + bayeux.extensions)
    additions.services = bayeux.services
    additions.post = { client, messages in mailboxes[client.shard].post(.serve(client, messages)) }
    return additions
  }

  private static func check(_ configuration: ServerConfiguration) throws(ConfigurationError) {
    if configuration.admin.token?.isEmpty ?? true, !isLoopback(configuration.admin.host) {
      throw .adminNeedsToken(host: configuration.admin.host)
    }
    if (configuration.server.username == nil) != (configuration.server.password == nil) { throw .halfCredentials }
    try PushProviders.check(configuration.push)
    try configuration.chat.check()
    let path = configuration.bayeux.path
    guard path.hasPrefix("/"), !path.contains("//"), path != "/genesys/1", !path.hasPrefix("/genesys/1/") else {
      throw .badPath(path)
    }
    let cookie = configuration.bayeux.browserCookie
    for (text, forbidden) in [(cookie.name, ";,="), (cookie.path, ";"), (cookie.domain ?? "-", ";")] {
      let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !forbidden.utf8.contains($0) }
      if !isPlain { throw .badCookie(text) }
    }
  }

  private static func isLoopback(_ host: String) -> Bool {
    (try? SocketAddress(host: host, port: 0))?.isLoopback ?? false
  }

  // MARK: start

  /// Opens the data directory, binds both listeners and starts the loops. When it returns, connections are accepted,
  /// and what was kept of the time before is in its place.
  ///
  /// - Throws: `StoreError`, ``ReactorError/addressInUse(_:)`` and its relatives. May be called once.
  public func start() async throws -> ListenAddresses {
    let isFirst = state.withLock { state in
      guard case .new = state.life else { return false }
      state.life = .stopping
      return true
    }
    precondition(isFirst, "a BrokerServer is started once")
    do {
      try await restore()
      return try launch()
    } catch {
      await Self.offThePool { [context] in context.store.journal.close() }
      finish()
      throw error
    }
  }

  private func restore() async throws {
    let (services, values) = try context.store.open(shards: context.shardCount, clock: SystemClock())
    await storage?.restore(values, services: Set(services.map(\.service.id)))
    await embeddedBackend?.restore(services)
    await context.chat.restore(services)
  }

  private func launch() throws -> ListenAddresses {
    let shards = context.shardCount
    let server = try SocketAddress(host: configuration.server.host, port: configuration.server.port)
    let admin = try SocketAddress(host: configuration.admin.host, port: configuration.admin.port)
    let publicGroup = try ListenerGroup.open(server, count: shards)
    let adminGroup: ListenerGroup
    do {
      adminGroup = try ListenerGroup.open(admin, count: 1)
    } catch {
      publicGroup.close()
      throw error
    }
    allowAdmin(at: adminGroup.address)
    let threads = try startThreads(publicGroup.descriptors, adminGroup.descriptors[0])
    let work = startWork()
    state.withLock { $0.life = .running(threads: threads, work: work) }
    logger.info(
      "broker started", metadata: ["shards": "\(shards)", "public": "\(publicGroup.address)"])
    return ListenAddresses(
      publicAddress: publicGroup.address.description, adminAddress: adminGroup.address.description)
  }

  /// One thread a shard; the first has the admin listener too. Where one can not start, those that did are ended.
  private func startThreads(_ publicDescriptors: [Int32], _ adminDescriptor: Int32) throws -> [LoopThread] {
    var threads: [LoopThread] = []
    do {
      for (index, descriptor) in publicDescriptors.enumerated() {
        threads.append(
          try LoopThread.start(name: "shard-\(index)") { [context] loop in
            Shard(index: index, loop: loop, context: context)
              .run(publicDescriptor: descriptor, adminDescriptor: index == 0 ? adminDescriptor : nil)
          })
      }
      return threads
    } catch {
      for descriptor in publicDescriptors[threads.count...] { close(descriptor) }
      if threads.isEmpty { close(adminDescriptor) }
      for mailbox in context.mailboxes { mailbox.post(.drain(by: EventLoop.clock())) }
      for thread in threads { thread.join() }
      throw error
    }
  }

  private func allowAdmin(at address: SocketAddress) {
    var names = [address.description, "localhost:\(address.port)"]
    if configuration.admin.host.lowercased() != address.host {
      names.append("\(configuration.admin.host):\(address.port)".lowercased())
    }
    for host in configuration.admin.allowedHosts {
      names.append(host.lowercased())
      if !host.contains(":") { names.append("\(host):\(address.port)".lowercased()) }
    }
    let allowed = names
    context.adminAuthority.withLock { $0 = allowed }
  }

  /// What runs beside the loops: the chat service, the presence of users, the scripted agent.
  private func startWork() -> [Task<Void, Never>] {
    let context = context
    var work = [
      Task { await context.chat.run() },
      Task {
        for await change in context.publisher.presence {
          await context.chat.clientPresence(user: change.user, online: change.isOnline)
        }
      },
    ]
    if configuration.demo.agent, let embeddedBackend {
      work.append(Task { await ScriptedAgent(backend: embeddedBackend).run() })
    }
    return work
  }

  // MARK: stop

  /// Stops accepting, answers every held connect so that its client comes again, and ends.
  ///
  /// - Parameter limit: after this time connections are closed whether or not they have been written.
  public func shutdown(within limit: Duration = .seconds(5)) async {
    let life = state.withLock { state in
      let life = state.life
      if case .running = life { state.life = .stopping }
      if case .new = life { state.life = .stopping }
      return life
    }
    switch life {
    case .new:
      await stopClients()
      finish()
    case .running(let threads, let work):
      context.isStopping.store(true, ordering: .relaxed)
      let deadline = EventLoop.clock() + limit
      for mailbox in context.mailboxes { mailbox.post(.drain(by: deadline)) }
      await Self.offThePool { for thread in threads { thread.join() } }
      for task in work { task.cancel() }
      context.publisher.finish()
      // Before the chat service ends: it waits for calls that are under way.
      await stopClients()
      for task in work { await task.value }
      await Self.offThePool { [context] in context.store.journal.close() }
      logger.info("broker stopped")
      finish()
    case .stopping, .stopped: await waitUntilStopped()
    }
  }

  /// Ends the clients' threads; what they had under way fails.
  private func stopClients() async {
    await Self.offThePool { [pushClient, backendClient] in
      pushClient?.stop()
      backendClient?.stop()
    }
  }

  /// What blocks is done on a thread of its own and not on one of the pool.
  private static func offThePool(_ body: @escaping @Sendable () -> Void) async {
    await withCheckedContinuation { continuation in
      let thread = try? LoopThread.start(name: "ending") { () -> Void in
        body()
        continuation.resume()
      }
      if thread == nil {
        body()
        continuation.resume()
      }
    }
  }

  var isRunning: Bool {
    state.withLock { state in if case .running = state.life { true } else { false } }
  }

  private func finish() {
    let waiters = state.withLock { state in
      state.life = .stopped
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Returns when the broker has stopped.
  public func waitUntilStopped() async {
    await withCheckedContinuation { continuation in
      let isOver = state.withLock { state in
        if case .stopped = state.life { return true }
        state.waiters.append(continuation)
        return false
      }
      if isOver { continuation.resume() }
    }
  }
}

/// The clocks of this machine.
struct SystemClock: ChatClock {
  func now() -> Instant { EventLoop.clock() }

  static var millisecondsSince1970: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }

  func secondsSince1970() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec)
  }
}
