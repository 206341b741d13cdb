// SPDX-License-Identifier: Apache-2.0

/// The quick start: a CometD connection, a service, a chat. The broker of this one holds polls for 600 ms.
enum QuickStartTranscript {
  static let text = """
    CometD handshake request:

    comet> POST /genesys/cometd
    comet> Accept-Encoding: gzip,deflate
    comet> Content-Type: application/json;charset=UTF-8
    comet> gms_user: BuzzBrain
    comet>
    comet> {"version":"1.0","minimumVersion":"0.9","channel":"/meta/handshake","id":"0"}

    comet< 200
    comet< Content-Type: application/json;charset=UTF-8
    comet<
    comet< [{"id":"0","minimumVersion":"1.0","supportedConnectionTypes":["websocket","callback-polling","long-polling"],
    comet<   "successful":true,"advice":{"interval":0,"reconnect":"retry","timeout":600},
    comet<   "channel":"/meta/handshake","ext":{"ack":true},"clientId":"‹client›","version":"1.0"}]

    CometD /meta/connect request:

    comet> POST /genesys/cometd
    comet> Accept-Encoding: gzip,deflate
    comet> Content-Type: application/json;charset=UTF-8
    comet> gms_user: BuzzBrain
    comet>
    comet> {"channel":"/meta/connect","clientId":"‹client›","id":"1","connectionType":"long-polling"}

    comet< 200
    comet<
    comet< [{"id":"1","successful":true,"advice":{"interval":0,"reconnect":"retry","timeout":600},"channel":"/meta/connect"}]

    CometD /_genesys subscription request:

    comet> POST /genesys/cometd
    comet> Accept-Encoding: gzip,deflate
    comet> Content-Type: application/json;charset=UTF-8
    comet> gms_user: BuzzBrain
    comet>
    comet> [{"channel":"/meta/subscribe","subscription":"/_genesys","clientId":"‹client›","id":"2"}]

    comet< 200
    comet< Content-Length: 85
    comet<
    comet< [{"id":"2","subscription":"/_genesys","successful":true,"channel":"/meta/subscribe"}]

    CometD long polling request, which meets no event:

    comet> POST /genesys/cometd
    comet> Accept-Encoding: gzip,deflate
    comet> Content-Type: application/json;charset=UTF-8
    comet> gms_user: BuzzBrain
    comet>
    comet> {"clientId":"‹client›","id":"4","channel":"/meta/connect","connectionType":"long-polling"}

    comet< 200
    comet<
    comet< [{"id":"4","successful":true,"channel":"/meta/connect"}]

    Create a service:

    app> POST /genesys/1/service/request-chat
    app> Accept-Encoding: gzip,deflate
    app> Content-Type: application/x-www-form-urlencoded
    app>
    app> _verbose=false

    app< 200
    app< Content-Type: application/json;charset=UTF-8
    app<
    app< {"_id":"‹service›"}

    Create a chat interaction using the same id:

    app> POST /genesys/1/service/‹service›/ixn/chat
    app> Accept-Encoding: gzip,deflate
    app> Content-Type: application/x-www-form-urlencoded
    app> gms_user: BuzzBrain
    app>
    app> notify_by=comet&firstName=Vasya&lastName=Pupkin&email=Vasya.Pupkin@genesyslab.com&subject=test

    app< 200
    app< Content-Type: application/json;charset=UTF-8
    app<
    app< {"chatIxnState":"CONNECTED","chatSessionId":"‹chat›","transcriptPosition":"1",
    app<  "chatServiceMessage":"Chat service is available",
    app<  "message":"Messages will sent over CometD service channel /_genesys"}

    Refresh the transcript:

    app> POST /genesys/1/service/‹service›/ixn/chat/refresh
    app> Accept-Encoding: gzip,deflate
    app> Content-Type: application/x-www-form-urlencoded
    app>

    app< 200
    app<
    app< {"chatIxnState":"TRANSCRIPT","chatSessionId":"‹chat›","transcriptPosition":"1",
    app<  "chatServiceMessage":"Chat service is available","transcriptToShow":[],"startedAt":"‹startedAt›",
    app<  "message":"Messages will sent over CometD service channel /_genesys"}

    Send the user's message, its space as it is:

    app> POST /genesys/1/service/‹service›/ixn/chat/refresh
    app> Accept-Encoding: gzip,deflate
    app> Content-Type: application/x-www-form-urlencoded
    app>
    app> message=hello agent

    app< 200
    app<
    app< {"chatIxnState":"TRANSCRIPT","chatSessionId":"‹chat›","transcriptPosition":"2",
    app<  "chatServiceMessage":"Chat service is available","transcriptToShow":[],"startedAt":"‹startedAt›",
    app<  "message":"Messages will sent over CometD service channel /_genesys"}

    Disconnect the user from the chat:

    app> POST /genesys/1/service/‹service›/ixn/chat/disconnect
    app> Accept-Encoding: gzip,deflate
    app> Content-Type: application/x-www-form-urlencoded
    app>

    app< 200
    app<
    app< {"chatIxnState":"DISCONNECTED","transcriptPosition":"2","chatServiceMessage":"Chat was finished",
    app<  "chatSessionId":"‹chat›"}

    All that happened waits for the next poll:

    comet> POST /genesys/cometd
    comet> Content-Type: application/json;charset=UTF-8
    comet> gms_user: BuzzBrain
    comet>
    comet> {"clientId":"‹client›","id":"5","channel":"/meta/connect","connectionType":"long-polling"}

    comet< 200
    comet<
    comet< [{"data":{"id":"‹event*›","message":{"chatSessionId":"‹chat›","transcriptPosition":"1",
    comet<    "chatServiceMessage":"Chat service is available","startedAt":"‹startedAt›","chatIxnState":"TRANSCRIPT",
    comet<    "transcriptToShow":[]},"tag":"service.chat.refresh.‹service›"},"channel":"/_genesys"},
    comet<  {"data":{"id":"‹event*›","message":{"chatSessionId":"‹chat›","transcriptPosition":"2",
    comet<    "chatServiceMessage":"Chat service is available","startedAt":"‹startedAt›","chatIxnState":"TRANSCRIPT",
    comet<    "transcriptToShow":[["Message.Text","VasyaP","hello agent","‹seconds*›","CLIENT"]]},
    comet<    "tag":"service.chat.refresh.‹service›"},"channel":"/_genesys"},
    comet<  {"data":{"id":"‹event*›","message":{"chatSessionId":"‹chat›","transcriptPosition":"2",
    comet<    "chatServiceMessage":"Chat was finished","startedAt":"‹startedAt›","chatIxnState":"DISCONNECTED",
    comet<    "transcriptToShow":[]},"tag":"service.chat.refresh.‹service›"},"channel":"/_genesys"},
    comet<  {"id":"5","successful":true,"channel":"/meta/connect"}]
    """
}

/// A chat whose client polls, parameters in the query as often as in the body.
enum PollTranscript {
  static let text = """
    app> POST /genesys/1/service/request-chat?_verbose=true
    app> Accept-Encoding: gzip,deflate
    app>
    app< 200
    app< Content-Type: application/json;charset=UTF-8
    app< Pragma: no-cache
    app< Cache-Control: no-cache
    app< Cache-Control: no-store
    app<
    app< {"_chatIxnAPI-CREATE-URL":"/genesys/1/service/‹service›/ixn/chat","_id":"‹service›"}

    Start chat:

    app> POST /genesys/1/service/‹service›/ixn/chat?_verbose=true
    app> Accept-Encoding: gzip,deflate
    app> Content-Type: application/x-www-form-urlencoded
    app>
    app> firstName=Vasya&lastName=Pupkin&email=Vasya.Pupkin@genesyslab.com&subject=test

    app< 200
    app< Content-Type: application/json;charset=UTF-8
    app<
    app< {"chatIxnState":"CONNECTED","transcriptPosition":"1","chatServiceMessage":"Chat service is available",
    app<  \(CometTranscript.verbose)}

    agent> POST /agent/chats/‹service›/join
    agent>
    agent> {"nickname":"ksippo"}
    agent< 200
    agent<
    agent< {"serviceId":"‹service›","chatSessionId":"‹chat›","state":"CONNECTED","customer":"VasyaP","subject":"test",
    agent<  "startedAt":"‹startedAt›","transcriptPosition":"2","agents":["ksippo"],"customerOnline":null}

    agent> POST /agent/chats/‹service›/typing
    agent>
    agent> {"nickname":"ksippo","typing":true}
    agent< 200
    agent<
    agent< {"serviceId":"‹service›","chatSessionId":"‹chat›","state":"CONNECTED","customer":"VasyaP","subject":"test",
    agent<  "startedAt":"‹startedAt›","transcriptPosition":"3","agents":["ksippo"],"customerOnline":null}

    agent> POST /agent/chats/‹service›/send
    agent>
    agent> {"nickname":"ksippo","text":"hello customer"}
    agent< 200
    agent<
    agent< {"serviceId":"‹service›","chatSessionId":"‹chat›","state":"CONNECTED","customer":"VasyaP","subject":"test",
    agent<  "startedAt":"‹startedAt›","transcriptPosition":"4","agents":["ksippo"],"customerOnline":null}

    Refresh chat, which also sends a message:

    app> POST /genesys/1/service/‹service›/ixn/chat/refresh?_verbose=true
    app> Accept-Encoding: gzip,deflate
    app> Content-Type: application/x-www-form-urlencoded
    app>
    app> message=aaa

    app< 200
    app< Content-Type: application/json;charset=UTF-8
    app<
    app< {"chatIxnState":"TRANSCRIPT","transcriptPosition":"5","chatServiceMessage":"Chat service is available",
    app<  "transcriptToShow":[
    app<    ["Notice.Joined","ksippo","has joined the session","‹seconds*›","AGENT"],
    app<    ["Notice.TypingStarted","ksippo","is typing","‹seconds*›","AGENT"],
    app<    ["Message.Text","ksippo","hello customer","‹seconds*›","AGENT"],
    app<    ["Message.Text","VasyaP","aaa","‹seconds*›","CLIENT"]],
    app<  "startedAt":"‹startedAt›",\(CometTranscript.verbose)}

    The same in the query, and not verbose; what was shown is not shown again:

    app> POST /genesys/1/service/‹service›/ixn/chat/refresh?message=hello%20agent
    app>
    app< 200
    app<
    app< {"chatIxnState":"TRANSCRIPT","chatSessionId":"‹chat›","transcriptPosition":"6",
    app<  "chatServiceMessage":"Chat service is available",
    app<  "transcriptToShow":[["Message.Text","VasyaP","hello agent","‹seconds*›","CLIENT"]],"startedAt":"‹startedAt›"}

    Start typing:

    app> POST /genesys/1/service/‹service›/ixn/chat/startTyping
    app> Accept-Encoding: gzip,deflate
    app> Content-Type: application/x-www-form-urlencoded
    app>
    app< 200
    app<
    app< {"chatIxnState":"TRANSCRIPT","chatSessionId":"‹chat›","transcriptPosition":"7",
    app<  "chatServiceMessage":"Chat service is available",
    app<  "transcriptToShow":[["Notice.TypingStarted","VasyaP","is typing","‹seconds*›","CLIENT"]],"startedAt":"‹startedAt›"}

    Stop typing:

    app> POST /genesys/1/service/‹service›/ixn/chat/stopTyping
    app> Accept-Encoding: gzip,deflate
    app> Content-Type: application/x-www-form-urlencoded
    app>
    app< 200
    app<
    app< {"chatIxnState":"TRANSCRIPT","chatSessionId":"‹chat›","transcriptPosition":"8",
    app<  "chatServiceMessage":"Chat service is available",
    app<  "transcriptToShow":[["Notice.TypingStopped","VasyaP","stopped typing","‹seconds*›","CLIENT"]],
    app<  "startedAt":"‹startedAt›"}

    Refresh from a place, and from the start:

    app> POST /genesys/1/service/‹service›/ixn/chat/refresh?transcriptPosition=7
    app>
    app< 200
    app<
    app< {"chatIxnState":"TRANSCRIPT","chatSessionId":"‹chat›","transcriptPosition":"8",
    app<  "chatServiceMessage":"Chat service is available",
    app<  "transcriptToShow":[["Notice.TypingStopped","VasyaP","stopped typing","‹seconds*›","CLIENT"]],
    app<  "startedAt":"‹startedAt›"}

    app> POST /genesys/1/service/‹service›/ixn/chat/refresh?transcriptPosition=1
    app>
    app< 200
    app<
    app< {"chatIxnState":"TRANSCRIPT","chatSessionId":"‹chat›","transcriptPosition":"8",
    app<  "chatServiceMessage":"Chat service is available",
    app<  "transcriptToShow":[
    app<    ["Notice.Joined","ksippo","has joined the session","‹seconds*›","AGENT"],
    app<    ["Notice.TypingStarted","ksippo","is typing","‹seconds*›","AGENT"],
    app<    ["Message.Text","ksippo","hello customer","‹seconds*›","AGENT"],
    app<    ["Message.Text","VasyaP","aaa","‹seconds*›","CLIENT"],
    app<    ["Message.Text","VasyaP","hello agent","‹seconds*›","CLIENT"],
    app<    ["Notice.TypingStarted","VasyaP","is typing","‹seconds*›","CLIENT"],
    app<    ["Notice.TypingStopped","VasyaP","stopped typing","‹seconds*›","CLIENT"]],
    app<  "startedAt":"‹startedAt›"}

    Disconnect from the chat; the position is not advanced:

    app> POST /genesys/1/service/‹service›/ixn/chat/disconnect
    app> Accept-Encoding: gzip,deflate
    app> Content-Type: application/x-www-form-urlencoded
    app>
    app< 200
    app<
    app< {"chatIxnState":"DISCONNECTED","transcriptPosition":"8","chatServiceMessage":"Chat was finished",
    app<  "chatSessionId":"‹chat›"}
    """
}
