// SPDX-License-Identifier: Apache-2.0
import Bytes

// MARK: availability

extension ChatService {
  func takeAvailability() async {
    for await change in await backend.availabilityChanges() {
      take(change)
      await acknowledge(.availability(change))
    }
  }

  func take(_ change: AvailabilityChange) {
    guard let record = records[change.serviceID], record.interaction == nil, record.opening == nil else { return }
    if record.callback != nil {
      let now = clock.now()
      follow(record.callback?.became(change.availability, now: now) ?? .nothing, record)
      if let deadline = record.callback?.deadline { wake(for: .confirmation(serviceID: record.id), at: deadline) }
    } else if record.toldAvailability != change.availability {
      record.toldAvailability = change.availability
      if change.availability == .available { announced(record) }
      tell(ServiceNotice(serviceID: record.id, availability: change.availability), record)
    }
  }

  func confirmationOverdue(_ id: String, now: Instant) {
    guard let record = records[id], record.interaction == nil else { return }
    follow(record.callback?.timePassed(now: now) ?? .nothing, record)
  }

  private func follow(_ step: CallbackFlow.Step, _ record: ServiceRecord) {
    switch step {
    case .nothing: return
    case .cancel: remove(record)
    case .notify(let action):
      if action == .connect { announced(record) }
      tell(ServiceNotice(serviceID: record.id, availability: .available, action: action), record)
    }
  }

  /// Pushes a notice to the comet sessions of the user, or holds it until the client knows the service.
  private func tell(_ notice: ServiceNotice, _ record: ServiceRecord) {
    guard record.heldNotices == nil else {
      record.heldNotices?.append(notice)
      return
    }
    post(notice, record)
  }

  func releaseNotices(_ id: String) {
    guard let record = records[id], let held = record.heldNotices else { return }
    record.heldNotices = nil
    // What was true meanwhile and is no longer needs no telling.
    if let last = held.last { post(last, record) }
  }

  private func post(_ notice: ServiceNotice, _ record: ServiceRecord) {
    if let user = record.user {
      counters.notifications += 1
      outbox.notifications.append(
        ChatNotification(
          user: user, tag: notice.tag, message: notice.message(isVerbose: false).encoded, serviceID: record.id,
          transcriptPosition: 0))
      commit()
    }
    // A callback's client may be anywhere; the client of any other service asks for the status.
    guard notice.action != nil, let device = record.device, device.type != "comet" else { return }
    let text = notice.action == .confirm ? "An agent is available. Do you want to chat now?" : "Your agent is ready"
    push(
      PushMessage(device: device, serviceID: record.id, text: text, payload: notice.message(isVerbose: false)),
      attempt: 1)
  }

  /// Ends a service before its time.
  func remove(_ record: ServiceRecord) {
    if let effects = record.interaction?.endHere(), effects.hasEnded {
      carryOut(effects, record)
      leave(record.id)
    }
    forget(record)
  }
}

// MARK: native push

extension ChatService {
  /// Hands a push to its provider; a failure is tried again, as often as the service says.
  ///
  /// - Parameter tag: what a comet device finds it under; nil names the service.
  func push(_ message: PushMessage, attempt: Int, tag: String? = nil) {
    let device = message.device
    if device.type == "comet" {
      counters.pushesDelivered += 1
      outbox.notifications.append(
        ChatNotification(
          user: device.id, tag: tag ?? "service.notification.\(message.serviceID)", message: message.payload.encoded,
          serviceID: message.serviceID, transcriptPosition: 0))
      return commit()
    }
    let provider = device.provider.flatMap { pushProviders[$0.lowercased()] } ?? pushProviders[device.type]
    guard let provider else {
      counters.pushesWithoutProvider += 1
      return noteTold(message)
    }
    Task { pushEnded(message, attempt, await provider.push(message)) }
  }

  private func pushEnded(_ message: PushMessage, _ attempt: Int, _ outcome: PushOutcome) {
    guard case .failed = outcome else {
      counters.pushesDelivered += 1
      return noteTold(message)
    }
    guard let definition = records[message.serviceID]?.definition, attempt < definition.maxNotifyAttempts else {
      counters.pushesFailed += 1
      return noteTold(message)
    }
    wake(for: .push(message, attempt: attempt + 1), at: clock.now() + definition.notificationDelay)
  }

  /// What the agent's desktop uses to poke; only where a poke could work.
  func pokeData(of record: ServiceRecord, _ caller: ChatCaller) -> [ChatFields.Field] {
    guard record.definition.pokeMessage != nil, record.device != nil else { return [] }
    return [.init("poke_url", caller.baseURL + ServicePath.service(record.id) + "/internal-poke")]
  }
}

// MARK: customers who are away

extension ChatService {
  /// Texts that an offline push shows.
  private static let shownTexts = 5

  func noteAgents(of event: ChatBackendEvent, _ record: ServiceRecord) {
    guard case .entries(let entries) = event.content else { return }
    if !record.isRouted, entries.contains(where: { $0.kind == .joined && $0.party == .agent }) {
      record.isRouted = true
      keepService(record)
    }
    let texts = entries.filter { $0.kind == .text && $0.party == .agent }.map(\.text)
    addUnseen(texts, record, since: .zero)
  }

  /// - Parameter age: of the first text.
  private func addUnseen(_ texts: [String], _ record: ServiceRecord, since age: Duration) {
    // What a comet device missed waits for it on its channel.
    guard !texts.isEmpty, let device = record.device, device.type != "comet", let user = record.user,
      record.interaction?.notifiesByComet == true,
      !onlineUsers.contains(user)
    else { return }
    if record.unseen.isEmpty {
      let due = clock.now() + max(.zero, record.definition.clientTimeoutNotification - age)
      record.unseenDue = due
      wake(for: .unseen(serviceID: record.id), at: due)
    }
    record.unseen = (record.unseen + texts).suffix(Self.shownTexts)
  }

  /// What agents said that the customer was neither handed nor told of when the process ended. A push that was under
  /// way then begins anew, so that one may come twice and none is lost.
  func restoreUnseen(_ restored: RestoredService, _ record: ServiceRecord) {
    let told = restored.chat?.pushedThrough ?? 0
    let missed = restored.entries.map(\.entry).filter { placed in
      placed.position > told && restored.unfetched[placed.position] != nil && placed.entry.kind == .text
        && placed.entry.party == .agent
    }
    guard let first = missed.compactMap({ restored.unfetched[$0.position] }).min() else { return }
    addUnseen(
      missed.map(\.entry.text), record, since: .seconds(max(0, clock.secondsSince1970() - first)))
  }

  /// The device was told, or cannot be: it is not told again after a restart.
  private func noteTold(_ message: PushMessage) {
    guard let position = message.toldThrough, let record = records[message.serviceID],
      let told = record.stored?.pushedThrough, told < position
    else { return }
    record.stored?.pushedThrough = position
    keepChat(record)
    commit()
  }

  /// The customer's app came back, or went away.
  func reachabilityChanged(_ record: ServiceRecord, _ isOnline: Bool) {
    if isOnline { record.unseen = [] }
    guard !isOnline, let text = record.definition.agentTimeoutMessage else { return }
    let id = record.id
    let call = mintCall()
    // The agent's courtesy note: where it cannot be placed nothing is lost.
    Task { try? await backend.notice(text, in: id, call: call) }
  }

  /// `{"message","serviceId","lastTranscript":[{"Message.Text":…}]}`, as Android apps of GMS read it.
  func pushUnseen(_ id: String, now: Instant) {
    guard let record = records[id], let due = record.unseenDue, due <= now, let last = record.unseen.last,
      let device = record.device,
      record.interaction?.isLive == true
    else { return }
    let texts = record.unseen.map { JSONValue.object([.init("Message.Text", .string($0))]) }
    record.unseen = []
    let payload: JSONValue = [
      "message": .string(last), "serviceId": .string(id), "lastTranscript": .array(texts),
    ]
    var message = PushMessage(device: device, serviceID: id, text: last, payload: payload)
    message.toldThrough = record.interaction?.transcript.position
    push(message, attempt: 1)
  }

  /// A customer who polls and was silent for too long has left.
  func checkSilence(_ id: String, now: Instant) {
    guard let record = records[id], record.interaction?.isLive == true, let timeout = record.definition.clientTimeout
    else { return }
    let deadline = record.lastHeard + timeout
    if deadline > now { wake(for: .silence(serviceID: id), at: deadline) } else { leave(id) }
  }
}
