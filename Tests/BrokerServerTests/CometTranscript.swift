// SPDX-License-Identifier: Apache-2.0

/// A chat whose events come over CometD, from the first handshake to the end.
enum CometTranscript {
  static let text = """
    CometD handshake:

    comet> POST /genesys/cometd
    comet> Content-Type: application/json; charset=UTF-8
    comet> gms_user: BuzzBrain
    comet>
    comet> {"version":"1.0","minimumVersion":"0.9","channel":"/meta/handshake","id":"0"}

    comet< 200
    comet< Content-Type: application/json;charset=UTF-8
    comet< Cache-Control: no-store
    comet<
    comet< [{"id":"0","minimumVersion":"1.0","supportedConnectionTypes":["websocket","callback-polling","long-polling"],
    comet<   "successful":true,"advice":{"interval":0,"reconnect":"retry","timeout":60000},
    comet<   "channel":"/meta/handshake","ext":{"ack":true},"clientId":"‹client›","version":"1.0"}]

    CometD connect, the first one answered at once:

    comet> POST /genesys/cometd
    comet> Content-Type: application/json; charset=UTF-8
    comet> gms_user: BuzzBrain
    comet>
    comet> {"channel":"/meta/connect","clientId":"‹client›","id":"1","connectionType":"long-polling"}

    comet< 200
    comet< Content-Type: application/json;charset=UTF-8
    comet< Cache-Control: no-store
    comet<
    comet< [{"id":"1","successful":true,"advice":{"interval":0,"reconnect":"retry","timeout":60000},
    comet<   "channel":"/meta/connect"}]

    CometD subscribe:

    comet> POST /genesys/cometd
    comet> Content-Type: application/json; charset=UTF-8
    comet> gms_user: BuzzBrain
    comet>
    comet> [{"channel":"/meta/subscribe","subscription":"/_genesys","clientId":"‹client›","id":"2"}]

    comet< 200
    comet< Content-Type: application/json;charset=UTF-8
    comet<
    comet< [{"id":"2","subscription":"/_genesys","successful":true,"channel":"/meta/subscribe"}]

    CometD polling; this poll is held until the chat begins:

    comet> POST /genesys/cometd
    comet> Content-Type: application/json; charset=UTF-8
    comet> gms_user: BuzzBrain
    comet>
    comet> {"clientId":"‹client›","id":"32","channel":"/meta/connect","connectionType":"long-polling"}

    Create a service:

    app> POST /genesys/1/service/request-chat
    app> Content-Type: application/x-www-form-urlencoded; charset=UTF-8
    app> gms_user: BuzzBrain
    app>
    app> _verbose=true

    app< 200
    app< Content-Type: application/json;charset=UTF-8
    app< Cache-Control: no-cache
    app< Cache-Control: no-store
    app< Pragma: no-cache
    app<
    app< {"_chatIxnAPI-CREATE-URL":"/genesys/1/service/‹service›/ixn/chat","_id":"‹service›"}

    Create the chat of that service. The reply holds all that a client may look for in it:

    app> POST /genesys/1/service/‹service›/ixn/chat
    app> Content-Type: application/x-www-form-urlencoded; charset=UTF-8
    app> gms_user: BuzzBrain
    app>
    app> _verbose=true&notify_by=comet&firstName=Buzz&lastName=Brain&subject=French&email=b.b%40gmail.com

    app< 200
    app< Content-Type: application/json;charset=UTF-8
    app< Cache-Control: no-cache
    app< Cache-Control: no-store
    app< Pragma: no-cache
    app<
    app< {"chatIxnState":"CONNECTED","chatSessionId":"‹chat›","transcriptPosition":"1",
    app<  "chatServiceMessage":"Chat service is available","userId":"‹userId›","secureKey":"‹key›",
    app<  "checkChatServiceLoadBalancerPath":
    app<    "/WebAPI812/SimpleSamples812/ChatHA/ChatLBServerInfo.jsp?chatServerLoadBalancerAlias=‹number.alias›",
    app<  "chatServerLoadBalancerAlias":"‹number.alias›","chatServerHost":"‹host›","chatWebApiPort":"‹number.port›",
    app<  "isTLSrequired":"false","clientTimeZoneOffset":"0",
    app<  "_chatIxnAPI_SEND_URL":"/genesys/1/service/‹service›/ixn/chat/send",
    app<  "_chatIxnAPI_REFRESH_URL":"/genesys/1/service/‹service›/ixn/chat/refresh",
    app<  "_chatIxnAPI_START_TYPING_URL":"/genesys/1/service/‹service›/ixn/chat/startTyping",
    app<  "_chatIxnAPI_STOP_TYPING_URL":"/genesys/1/service/‹service›/ixn/chat/stopTyping",
    app<  "_chatIxnAPI_DISCONNECT_URL":"/genesys/1/service/‹service›/ixn/chat/disconnect",
    app<  "_chatIxnAPI_REFRESH_FROM_START_URL":"/genesys/1/service/‹service›/ixn/chat/refresh?transcriptPosition=1",
    app<  "message":"Messages will sent over CometD service channel /_genesys"}

    The poll is answered: the event before the reply.

    comet< 200
    comet< Content-Type: application/json;charset=UTF-8
    comet< Cache-Control: no-store
    comet<
    comet< [{"data":{"id":"‹event1›","message":{"chatSessionId":"‹chat›","transcriptPosition":"1",
    comet<    "chatServiceMessage":"Chat service is available","startedAt":"‹startedAt›","chatIxnState":"TRANSCRIPT",
    comet<    "transcriptToShow":[]},"tag":"service.chat.refresh.‹service›"},"channel":"/_genesys"},
    comet<  {"id":"32","successful":true,"channel":"/meta/connect"}]

    \(poll("33"))

    agent> POST /agent/chats/‹service›/join
    agent> Content-Type: application/json
    agent>
    agent> {"nickname":"Monique"}

    agent< 200
    agent< Content-Type: application/json;charset=UTF-8
    agent<
    agent< {"serviceId":"‹service›","chatSessionId":"‹chat›","state":"CONNECTED","customer":"BuzzB","subject":"French",
    agent<  "startedAt":"‹startedAt›","transcriptPosition":"2","agents":["Monique"],"customerOnline":true}

    \(event("33", position: 2, #"["Notice.Joined","Monique","has joined the session","‹seconds*›","AGENT"]"#))
    \(poll("34"))

    agent> POST /agent/chats/‹service›/typing
    agent>
    agent> {"nickname":"Monique","typing":true}
    agent< 200
    agent<
    agent< {"serviceId":"‹service›","chatSessionId":"‹chat›","state":"CONNECTED","customer":"BuzzB","subject":"French",
    agent<  "startedAt":"‹startedAt›","transcriptPosition":"3","agents":["Monique"],"customerOnline":true}

    \(event("34", position: 3, #"["Notice.TypingStarted","Monique","is typing","‹seconds*›","AGENT"]"#))
    \(poll("35"))

    agent> POST /agent/chats/‹service›/send
    agent>
    agent> {"nickname":"Monique","text":"hi"}
    agent< 200
    agent<
    agent< {"serviceId":"‹service›","chatSessionId":"‹chat›","state":"CONNECTED","customer":"BuzzB","subject":"French",
    agent<  "startedAt":"‹startedAt›","transcriptPosition":"4","agents":["Monique"],"customerOnline":true}

    \(event("35", position: 4, #"["Message.Text","Monique","hi","‹seconds*›","AGENT"]"#))
    \(poll("36"))

    Send a message of the client. The reply shows nothing that comes as an event:

    app> POST /genesys/1/service/‹service›/ixn/chat/refresh
    app> Content-Type: application/x-www-form-urlencoded; charset=UTF-8
    app>
    app> message=hello+agent

    app< 200
    app< Content-Type: application/json;charset=UTF-8
    app<
    app< {"chatIxnState":"TRANSCRIPT","chatSessionId":"‹chat›","transcriptPosition":"5",
    app<  "chatServiceMessage":"Chat service is available","transcriptToShow":[],"startedAt":"‹startedAt›",
    app<  "message":"Messages will sent over CometD service channel /_genesys"}

    \(event("36", position: 5, #"["Message.Text","BuzzB","hello agent","‹seconds*›","CLIENT"]"#))

    The same verbosely: the event is as verbose as the request that caused it.

    \(poll("37"))

    app> POST /genesys/1/service/‹service›/ixn/chat/send
    app> Content-Type: application/x-www-form-urlencoded; charset=UTF-8
    app> gms_user: BuzzBrain
    app>
    app> _verbose=true&message=hello+again

    app< 200
    app<
    app< {"chatIxnState":"TRANSCRIPT","transcriptPosition":"6",\(verbose),
    app<  "chatServiceMessage":"Chat service is available","transcriptToShow":[],"startedAt":"‹startedAt›",
    app<  "message":"Messages will sent over CometD service channel /_genesys"}

    comet< 200
    comet<
    comet< [{"data":{"id":"‹event*›","message":{"transcriptPosition":"6","startedAt":"‹startedAt›",\(verbose),
    comet<    "chatServiceMessage":"Chat service is available","chatIxnState":"TRANSCRIPT",
    comet<    "transcriptToShow":[["Message.Text","BuzzB","hello again","‹seconds*›","CLIENT"]]},
    comet<    "tag":"service.chat.refresh.‹service›"},"channel":"/_genesys"},
    comet<  {"id":"37","successful":true,"channel":"/meta/connect"}]

    \(poll("38"))

    app> POST /genesys/1/service/‹service›/ixn/chat/startTyping
    app>
    app< 200
    app<
    app< {"chatIxnState":"TRANSCRIPT","chatSessionId":"‹chat›","transcriptPosition":"7",
    app<  "chatServiceMessage":"Chat service is available","transcriptToShow":[],"startedAt":"‹startedAt›",
    app<  "message":"Messages will sent over CometD service channel /_genesys"}

    \(event("38", position: 7, #"["Notice.TypingStarted","BuzzB","is typing","‹seconds*›","CLIENT"]"#))
    \(poll("39"))

    app> POST /genesys/1/service/‹service›/ixn/chat/stopTyping
    app>
    app< 200
    app<
    app< {"chatIxnState":"TRANSCRIPT","chatSessionId":"‹chat›","transcriptPosition":"8",
    app<  "chatServiceMessage":"Chat service is available","transcriptToShow":[],"startedAt":"‹startedAt›",
    app<  "message":"Messages will sent over CometD service channel /_genesys"}

    \(event("39", position: 8, #"["Notice.TypingStopped","BuzzB","stopped typing","‹seconds*›","CLIENT"]"#))
    \(poll("40"))

    Disconnect the chat: the whole object, also in comet mode, and the end as an event.

    app> POST /genesys/1/service/‹service›/ixn/chat/disconnect
    app> Content-Type: application/x-www-form-urlencoded; charset=UTF-8
    app>
    app> _verbose=true

    app< 200
    app< Content-Type: application/json;charset=UTF-8
    app<
    app< {"chatIxnState":"DISCONNECTED","transcriptPosition":"8","chatServiceMessage":"Chat was finished",\(verbose)}

    comet< 200
    comet<
    comet< [{"data":{"id":"‹event*›","message":{"chatSessionId":"‹chat›","transcriptPosition":"8",
    comet<    "chatServiceMessage":"Chat was finished","startedAt":"‹startedAt›","chatIxnState":"DISCONNECTED",
    comet<    "transcriptToShow":[]},"tag":"service.chat.refresh.‹service›"},"channel":"/_genesys"},
    comet<  {"id":"40","successful":true,"channel":"/meta/connect"}]

    CometD disconnect; what the client has seen goes along:

    comet> POST /genesys/cometd/disconnect
    comet> Content-Type: application/json; charset=UTF-8
    comet> gms_user: BuzzBrain
    comet>
    comet> {"channel":"/meta/disconnect","clientId":"‹client›","id":"41","ext":{"transcriptPosition":"8"}}

    comet< 200
    comet<
    comet< [{"id":"41","successful":true,"channel":"/meta/disconnect"}]
    """

  /// One more round of polling.
  private static func poll(_ id: String) -> String {
    """
    comet> POST /genesys/cometd
    comet> Content-Type: application/json; charset=UTF-8
    comet> gms_user: BuzzBrain
    comet>
    comet> {"clientId":"‹client›","id":"\(id)","channel":"/meta/connect","connectionType":"long-polling"}
    """
  }

  /// The answer to that round: one event with one entry.
  private static func event(_ id: String, position: Int, _ entry: String) -> String {
    """
    comet< 200
    comet< Content-Type: application/json;charset=UTF-8
    comet<
    comet< [{"data":{"id":"‹event*›","message":{"chatSessionId":"‹chat›","transcriptPosition":"\(position)",
    comet<    "chatServiceMessage":"Chat service is available","startedAt":"‹startedAt›","chatIxnState":"TRANSCRIPT",
    comet<    "transcriptToShow":[\(entry)]},"tag":"service.chat.refresh.‹service›"},"channel":"/_genesys"},
    comet<  {"id":"\(id)","successful":true,"channel":"/meta/connect"}]

    """
  }

  /// What `_verbose=true` adds, and the chat's id.
  static let verbose =
    #""chatSessionId":"‹chat›","userId":"‹userId›","secureKey":"‹key›","checkChatServiceLoadBalancerPath":"#
    + #""/WebAPI812/SimpleSamples812/ChatHA/ChatLBServerInfo.jsp?chatServerLoadBalancerAlias=‹number.alias›","#
    + #""chatServerLoadBalancerAlias":"‹number.alias›","chatServerHost":"‹host›","chatWebApiPort":"‹number.port›","#
    + #""isTLSrequired":"false","clientTimeZoneOffset":"0","#
    + #""_chatIxnAPI_SEND_URL":"/genesys/1/service/‹service›/ixn/chat/send","#
    + #""_chatIxnAPI_REFRESH_URL":"/genesys/1/service/‹service›/ixn/chat/refresh","#
    + #""_chatIxnAPI_START_TYPING_URL":"/genesys/1/service/‹service›/ixn/chat/startTyping","#
    + #""_chatIxnAPI_STOP_TYPING_URL":"/genesys/1/service/‹service›/ixn/chat/stopTyping","#
    + #""_chatIxnAPI_DISCONNECT_URL":"/genesys/1/service/‹service›/ixn/chat/disconnect","#
    + #""_chatIxnAPI_REFRESH_FROM_START_URL":"/genesys/1/service/‹service›/ixn/chat/refresh?transcriptPosition=1""#
}
