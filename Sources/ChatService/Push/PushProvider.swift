// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// Where a native push goes.
public struct PushDevice: Sendable, Hashable {
  /// `ios`, `gcm`, `fcm`, `customhttp`, `httpcb`, `comet`…, in lower case.
  public let type: String
  /// What the provider knows the device by; of `comet` the `gms_user`, of `httpcb` a URL.
  public let id: String
  public var language: String?
  /// Whether the provider is to use its debug certificates.
  public var isDebug = false
  /// Which provider is meant; nil is the one of the type.
  public var provider: String?
  /// GMS `_notification_message_file`: where the provider finds its localised texts.
  public var messageFile: String?

  public init(type: String, id: String) {
    self.type = type.lowercased()
    self.id = id
  }
}

/// One native push.
public struct PushMessage: Sendable, Hashable {
  public let device: PushDevice
  public let serviceID: String
  /// What a person reads.
  public let text: String
  /// What the app is given, a JSON object.
  public let payload: JSONValue
  /// The position through which it tells of a chat; nil where it tells of something else.
  var toldThrough: Int?

  public init(device: PushDevice, serviceID: String, text: String, payload: JSONValue) {
    self.device = device
    self.serviceID = serviceID
    self.text = text
    self.payload = payload
  }
}

/// What came of a push.
public enum PushOutcome: Sendable, Hashable {
  case delivered
  /// The provider could not be reached or did not take it; trying again may help.
  case failed(String)
}

/// Sends native pushes of one kind. `comet` is built in; others are given to the chat service by name or device type.
public protocol PushProvider: Sendable {
  /// Must come to an end by itself.
  func push(_ message: PushMessage) async -> PushOutcome
}

extension ChatFields {
  /// The device that a service creation names. GMS spells the fields in two ways.
  func serviceDevice(of definition: ChatServiceDefinition) -> PushDevice? {
    guard let type = text(anyOf: "_device_os", "device_os"),
      let id = text(anyOf: "_device_notification_id", "device_notification_id")
    else { return nil }
    var device = PushDevice(type: type, id: id)
    device.isDebug = definition.usesDebugPush
    device.provider = definition.pushProvider
    device.messageFile = definition.messageFile
    return device
  }

  /// The device that the create of a chat names.
  var chatDevice: PushDevice? {
    guard let type = text("push_notification_type"), let id = text("push_notification_deviceid") else { return nil }
    var device = PushDevice(type: type, id: id)
    device.language = text("push_notification_language")
    device.isDebug = bool("push_notification_debug")
    device.provider = text("push_notification_provider")
    return device
  }
}
