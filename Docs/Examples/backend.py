#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A chat backend for the broker in Python's standard library alone, with an agent who is a program.

    broker-cli serve --config broker.json          # chat.backend = remote, chat.remote.url, chat.remote.secret
    CHAT_SECRET=... python3 backend.py --broker http://127.0.0.1:8081 --port 9090 --state backend.db

It speaks the protocol of Docs/Backend.md. What it has to do, and where it does it:

- a call that comes again under its Idempotency-Key is not done again, but answered as before    -> Desk.once
- everything that appears in a chat is an event; an event is told until the broker has placed it -> Outbox
- what was answered, and what is still to be told, outlives the process                          -> Desk, in SQLite
- events are never told from within a call: the broker may not take them before it has the answer
"""

import argparse
import hmac
import http.client
import json
import os
import secrets
import signal
import sqlite3
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

AGENT = "Ada"
# Events in one batch; the broker recognises a batch that comes again as long as it is no longer than its memory (64).
BATCH = 32
# Bytes of one batch, one larger event aside: a broker takes 16 MiB, and what is smaller is sooner told.
BATCH_BYTES = 256 << 10
# Seconds until the events of a chat that could not be placed are told again.
REST = 0.5
# Seconds for which a call is recognised; the broker gives one up after gms.callTimeout, 10 s.
CALLS_ARE_KNOWN_FOR = 600
TABLES = """
create table if not exists service (id text primary key, name text, data text);
create table if not exists chat (service text primary key, session text, answer text, nickname text, live integer);
create table if not exists done (key text primary key, body text, at integer);
create table if not exists outbox (number integer primary key autoincrement, service text, event text);
create table if not exists aside (number integer primary key, event text, reason text);
"""


class Refusal(Exception):
    """A call that is understood and not done; `error` is one of the words of the protocol."""

    STATUS = {"badInput": 400, "notFound": 404, "notReady": 409, "ended": 410, "unavailable": 503}

    def __init__(self, error):
        super().__init__(error)
        self.error = error


class Desk:
    """The chats, and what the agent does in them."""

    def __init__(self, path, port):
        self.port = port
        self.lock = threading.Lock()
        self.news = threading.Event()
        self.database = sqlite3.connect(path, check_same_thread=False)
        self.database.execute("pragma journal_mode = wal")
        self.database.executescript(TABLES)

    def once(self, key, work):
        """Does the work of a call once: its answer and its events are kept together, or not at all."""
        try:
            with self.lock, self.database:
                row = self.database.execute("select body from done where key = ?", (key,)).fetchone() if key else None
                if row:
                    return 200, json.loads(row[0])
                body = work()
                if key:
                    now = int(time.time())
                    self.database.execute("insert into done values (?, ?, ?)", (key, json.dumps(body), now))
                    self.database.execute("delete from done where at < ?", (now - CALLS_ARE_KNOWN_FOR,))
        except Refusal as refusal:
            # Nothing was done, so nothing is known of it: once its service was told again, the same call may succeed.
            return Refusal.STATUS[refusal.error], {"error": refusal.error}
        self.news.set()
        return 200, body

    # What the broker calls

    def create_service(self, service, body):
        data = json.dumps(body.get("data", {}))
        self.database.execute("insert or replace into service values (?, ?, ?)", (service, body.get("name", ""), data))
        if body.get("routing", {}).get("queuedAtOnce"):
            # Our agent always has time.
            self.tell({"type": "availability", "serviceId": service, "availability": "available"})
        return {}

    def remove_service(self, service, _):
        self.database.execute("delete from service where id = ?", (service,))
        self.database.execute("delete from chat where service = ?", (service,))
        return {}

    def availability(self, service, _):
        self.known(service)
        return {"availability": "available"}

    def queue_position(self, service, _):
        self.known(service)
        return {"position": 0, "total": 0, "agentReady": True, "eta": 0}

    def open_chat(self, service, body):
        self.known(service)
        row = self.database.execute("select answer from chat where service = ? and live", (service,)).fetchone()
        if row:
            # Another opening of the same chat: its message is one more.
            if body.get("firstMessage"):
                self.say(service, body["call"], "Message.Text", body["firstMessage"])
            return json.loads(row[0])
        answer = {
            "chatSessionId": "000" + secrets.token_hex(7)[:13].upper(), "userId": secrets.token_hex(8).upper(),
            "secureKey": secrets.token_hex(8), "startedAt": int(time.time()),
            "server": {"host": "127.0.0.1", "port": self.port, "tls": False, "alias": "1"}}
        self.database.execute(
            "insert or replace into chat values (?, ?, ?, ?, 1)",
            (service, answer["chatSessionId"], json.dumps(answer), body["nickname"]))
        if body.get("firstMessage"):
            self.say(service, body["call"], "Message.Text", body["firstMessage"])
        self.act(service, "Notice.Joined")
        self.act(service, "Message.Text", f"Hello {body['nickname']}, I am {AGENT}. How can I help you?")
        return answer

    def send(self, service, body):
        text = body.get("text")
        if not text:
            raise Refusal("badInput")
        self.say(service, body["call"], "Message.Text", text)
        if "bye" in text.lower():
            self.act(service, "Message.Text", "Goodbye!")
            self.end(service, None, [self.entry("Notice.Left", AGENT, "AGENT")])
        else:
            self.act(service, "Notice.TypingStarted")
            self.act(service, "Notice.TypingStopped")
            self.act(service, "Message.Text", f"You said: {text}")
        return {}

    def typing(self, service, body):
        self.say(service, body["call"], "Notice.TypingStarted" if body["typing"] else "Notice.TypingStopped")
        return {}

    def push_url(self, service, body):
        if not body["url"].startswith(("http://", "https://")):
            raise Refusal("badInput")
        self.say(service, body["call"], "Notice.PushUrl", body["url"])
        return {}

    def notice(self, service, body):
        self.say(service, body["call"], "Notice.Custom", body["text"])
        return {}

    def disconnect(self, service, body):
        self.live_chat(service)
        self.end(service, body["call"], [])
        return {}

    def presence(self, service, body):
        print(f"{service} is {'online' if body['online'] else 'offline'}", flush=True)
        return {}

    def keep_alive(self, service, _):
        self.live_chat(service)
        return {}

    # What happens in a chat

    def known(self, service):
        if not self.database.execute("select 1 from service where id = ?", (service,)).fetchone():
            raise Refusal("notFound")

    def live_chat(self, service):
        row = self.database.execute("select session, nickname, live from chat where service = ?", (service,)).fetchone()
        if not row:
            raise Refusal("notFound")
        if not row[2]:
            raise Refusal("ended")
        return row[0], row[1]

    @staticmethod
    def entry(kind, nickname, party, text=None):
        entry = {"type": kind, "nickname": nickname, "party": party}
        return entry | {"text": text} if text else entry

    def say(self, service, call, kind, text=None):
        """The customer does something; the reply to the client waits for this event, which names the call."""
        session, nickname = self.live_chat(service)
        self.tell({"type": "entries", "serviceId": service, "chatSessionId": session, "cause": call,
                   "entries": [self.entry(kind, nickname, "CLIENT", text)]})

    def act(self, service, kind, text=None):
        """The agent does something."""
        session, _ = self.live_chat(service)
        self.tell({"type": "entries", "serviceId": service, "chatSessionId": session,
                   "entries": [self.entry(kind, AGENT, "AGENT", text)]})

    def end(self, service, call, entries):
        session, _ = self.live_chat(service)
        self.database.execute("update chat set live = 0 where service = ?", (service,))
        event = {"type": "ended", "serviceId": service, "chatSessionId": session, "entries": entries}
        self.tell(event | {"cause": call} if call else event)

    def tell(self, event):
        event["time"] = int(time.time())
        self.database.execute(
            "insert into outbox (service, event) values (?, ?)", (event["serviceId"], json.dumps(event)))

    # What is still to be told

    def untold(self, resting):
        """The oldest events, as many as one batch takes, without those of services that rest."""
        batch, size = [], 0
        with self.lock:
            for number, service, event in self.database.execute(
                    "select number, service, event from outbox order by number"):
                if service in resting:
                    continue
                size += len(event)
                if batch and (size > BATCH_BYTES or len(batch) == BATCH):
                    break
                # The number never comes again, so it is the id: the same one, however often the event is told.
                batch.append((number, {"id": str(number)} | json.loads(event)))
        return batch

    def told(self, number):
        with self.lock, self.database:
            self.database.execute("delete from outbox where number = ?", (number,))

    def set_aside(self, number, reason):
        """An event that the broker will never take must not keep the others back; somebody may look into it."""
        with self.lock, self.database:
            self.database.execute("insert into aside select number, event, ? from outbox where number = ?",
                                  (reason, number))
            self.database.execute("delete from outbox where number = ?", (number,))
        print(f"event {number} is set aside: {reason}", file=sys.stderr, flush=True)


class Outbox(threading.Thread):
    """Tells the broker what happens, in order, until it has taken it."""

    def __init__(self, desk, broker, secret):
        super().__init__(daemon=True)
        self.desk = desk
        self.broker = urllib.parse.urlsplit(broker)
        self.secret = secret
        self.connection = None
        # Until when the events of a service wait that the broker could not place; those of others go on.
        self.resting = {}

    def run(self):
        pause = 0.05
        while True:
            self.desk.news.clear()
            now = time.monotonic()
            self.resting = {service: until for service, until in self.resting.items() if until > now}
            batch = self.desk.untold(self.resting)
            if not batch:
                self.desk.news.wait(min(self.resting.values()) - now if self.resting else None)
            elif self.tell(batch):
                pause = 0.05
            else:
                time.sleep(pause)
                pause = min(pause * 2, 5)

    def tell(self, batch):
        """Tells a batch; whether the broker had an answer to it."""
        batch = [(number, event) for number, event in batch if event["serviceId"] not in self.resting]
        if not batch:
            return True
        status, reply = self.post([event for _, event in batch])
        if status in (200, 503) and "results" in reply:
            for (number, event), result in zip(batch, reply["results"]):
                if result.get("retry"):
                    self.resting[event["serviceId"]] = time.monotonic() + REST
                elif result.get("error") == "bad":
                    self.desk.set_aside(number, result.get("message"))
                else:
                    self.desk.told(number)
            return True
        if status not in (400, 413):
            print(f"the broker does not take events: {status} {reply}", file=sys.stderr, flush=True)
            return False
        # Too large, or something in it makes no sense: halved until that stands alone.
        if len(batch) == 1:
            self.desk.set_aside(batch[0][0], f"{status} {reply}")
            return True
        half = len(batch) // 2
        return self.tell(batch[:half]) and self.tell(batch[half:])

    def post(self, events):
        """Status and body of the answer; status 0 where none came."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.broker.netloc, timeout=20)
            try:
                self.connection.request(
                    "POST", self.broker.path + "/backend/events", json.dumps({"events": events}),
                    {"Content-Type": "application/json", "X-Backend-Secret": self.secret})
            except (BrokenPipeError, ConnectionResetError):
                pass  # What is too large may be answered before all of it is read.
            response = self.connection.getresponse()
            status, text = response.status, response.read().decode()
            if response.will_close:
                self.connection = None
            return status, json.loads(text) if text.startswith("{") else {"message": text}
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.connection = None
            return 0, str(error)


# Method and last segment of the path -> what the desk does.
CALLS = {
    ("PUT", ""): Desk.create_service, ("DELETE", ""): Desk.remove_service,
    ("GET", "availability"): Desk.availability, ("GET", "queue-position"): Desk.queue_position,
    ("POST", "chat"): Desk.open_chat, ("POST", "send"): Desk.send, ("POST", "typing"): Desk.typing,
    ("POST", "push-url"): Desk.push_url, ("POST", "notice"): Desk.notice, ("POST", "disconnect"): Desk.disconnect,
    ("PUT", "presence"): Desk.presence, ("POST", "keep-alive"): Desk.keep_alive,
}


class Handler(BaseHTTPRequestHandler):
    """One connection of the broker."""

    protocol_version = "HTTP/1.1"  # connections stay
    wbufsize = -1  # an answer is one write
    desk = None
    secret = ""

    def answer(self):
        length = int(self.headers.get("Content-Length", 0))
        text = self.rfile.read(length)
        if not hmac.compare_digest(self.headers.get("X-Backend-Secret", "").encode(), self.secret.encode()):
            return self.reply(401, {})
        parts = urllib.parse.urlsplit(self.path).path.split("/")[1:]
        verb = parts[2] if len(parts) == 3 else ""
        call = CALLS.get((self.command, verb)) if 2 <= len(parts) <= 3 and parts[0] == "services" else None
        if call is None:
            return self.reply(404, {"error": "notFound"})
        try:
            body = json.loads(text) if text else {}
            service = urllib.parse.unquote(parts[1])
            work = lambda: call(self.desk, service, body)  # noqa: E731
            return self.reply(*self.desk.once(self.headers.get("Idempotency-Key"), work))
        except (ValueError, KeyError, TypeError, AttributeError):
            return self.reply(400, {"error": "badInput"})

    do_GET = do_PUT = do_POST = do_DELETE = answer

    def reply(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--broker", required=True, help="the admin listener of the broker, http://127.0.0.1:8081")
    parser.add_argument("--port", type=int, default=9090)
    parser.add_argument("--state", default="chat-backend.db", help="file that keeps the chats")
    arguments = parser.parse_args()
    secret = os.environ.get("CHAT_SECRET", "")
    if len(secret) < 16:
        parser.error("CHAT_SECRET has to hold the secret, as chat.remote.secret of the broker")
    server = ThreadingHTTPServer(("127.0.0.1", arguments.port), Handler)
    Handler.desk, Handler.secret = Desk(arguments.state, server.server_port), secret
    Outbox(Handler.desk, arguments.broker, secret).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


main()
