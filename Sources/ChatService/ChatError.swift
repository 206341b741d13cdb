// SPDX-License-Identifier: Apache-2.0
import Bytes

/// Every way in which a call under `/genesys/1/service` fails, with its status and its sentence.
///
/// The body is `{"exception":"…","message":"…"}` as GMS 8 answers it: clients show `message`, and one takes the
/// mere presence of `exception` for the end of the chat. Two cases have no body, one has a text.
public enum ChatError: Error, Hashable, Sendable, CaseIterable {
  case unknownServiceName, unknownService, noChat, unknownAction
  case missingLookupKey, badTime, noPushDevice, pokeOff
  case badSubscription, unknownSubscription, tooManySubscriptions, publishClosed
  case unknownKey, badKey, storageFull, customNeedsUser
  case missingMessage, badPosition, messageTooLong, tooManyFields, fieldTooLong, tooMuchData
  case userRequired, wrongUser, chatEnded, badInput
  case tooManyServices, notReady, notStored
  case backendUnavailable, backendTimeout
  case unauthorized, methodNotAllowed, unsupportedMediaType

  public var status: Int { row.status }
  public var exception: String { "com.genesyslab.gsg." + row.exception }
  public var message: String { row.message }

  public var reply: ChatReply {
    switch self {
    case .notReady, .unauthorized: return ChatReply(status: status, contentType: .none, body: [])
    case .unsupportedMediaType: return ChatReply(status: status, contentType: .text, body: Array(message.utf8))
    default:
      let body: JSONValue = ["exception": .string(exception), "message": .string(message)]
      return .json(body.encoded, status: status)
    }
  }

  // swift-format-ignore
  private var row: (status: Int, exception: String, message: String) {
    switch self {
    case .unknownServiceName: (404, "service.ServiceNotFoundException", "no service of this name is configured")
    case .unknownService: (404, "service.ServiceNotFoundException", "no service has this id, or it expired")
    case .noChat: (404, "chat.ChatNotFoundException", "this service has no chat; create it first")
    case .unknownAction: (404, "service.ServiceNotFoundException", "this service has no such action")
    case .missingLookupKey: (400, "callback.CallbackExceptionInvalidParameter", "a mandatory field is missing")
    case .badTime: (400, "callback.CallbackExceptionInvalidParameter", "a time or a number of the query cannot be read")
    case .noPushDevice: (400, "service.ServiceParameterException", "the service was created without a device to push to")
    case .pokeOff: (403, "service.ServiceForbiddenException", "internal-poke is not configured for this service")
    case .badSubscription:
      (400, "notification.NotificationParameterException", "notificationDetails with deviceId and type, or tag, is missing")
    case .unknownSubscription: (404, "notification.NotificationNotFoundException", "no subscription has this id")
    case .tooManySubscriptions:
      (503, "notification.NotificationUnavailableException", "too many subscriptions; try again later")
    case .publishClosed:
      (403, "notification.NotificationForbiddenException", "publishing needs server.username and server.password")
    case .unknownKey: (404, "storage.StorageNotFoundException", "nothing is stored under this id or key")
    case .badKey: (400, "storage.StorageParameterException", "a key is empty or too long")
    case .storageFull: (507, "storage.StorageException", "the storage is full, or the value is too large")
    case .customNeedsUser: (400, "storage.StorageParameterException", "gms_user header required for custom storage")
    case .missingMessage: (400, "chat.ChatParameterException", "message is missing")
    case .badPosition: (400, "chat.ChatParameterException", "transcriptPosition is not a number")
    case .messageTooLong: (400, "chat.ChatParameterException", "message is too long")
    case .tooManyFields: (400, "service.ServiceParameterException", "the request has too many fields")
    case .fieldTooLong: (400, "service.ServiceParameterException", "a field of the request is too long")
    case .tooMuchData: (400, "service.ServiceParameterException", "the service holds too much data")
    case .userRequired: (400, "chat.ChatParameterException", "gms_user header required for notify_by=comet")
    case .wrongUser: (403, "service.ServiceForbiddenException", "gms_user is not the user of this service")
    case .chatEnded: (400, "chat.ChatEndedException", "the chat was finished")
    case .badInput: (400, "chat.ChatParameterException", "the chat server refused a parameter")
    case .tooManyServices: (503, "service.ServiceUnavailableException", "too many services; try again later")
    case .notReady: (503, "service.ServiceUnavailableException", "the service has not announced an agent yet")
    case .notStored: (507, "service.StorageException", "the broker can not store this now; try again later")
    case .backendUnavailable: (500, "chat.ChatServerException", "the chat server cannot be reached")
    case .backendTimeout: (500, "chat.ChatServerException", "the chat server did not answer in time")
    case .unauthorized: (401, "security.UnauthorizedException", "user name and password are required")
    case .methodNotAllowed: (405, "http.MethodNotAllowedException", "this method is not allowed here")
    case .unsupportedMediaType: (415, "http.UnsupportedMediaTypeException", "Unsupported Media Type")
    }
  }
}

extension ChatError {
  /// What the failure of the backend means to the client.
  init(_ error: ChatBackendError) {
    self =
      switch error {
      case .notFound: .noChat
      case .notReady: .notReady
      case .ended: .chatEnded
      case .unavailable: .backendUnavailable
      case .badInput: .badInput
      }
  }
}
