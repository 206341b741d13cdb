#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills a broker with SIGKILL at random moments while a customer and an agent talk, and starts it again.

usage: crashloop.py ROUNDS BROKER_CLI [SEED]

Holds the broker to its promise: whatever was answered 200 arrives, in order, at positions without a gap; only what was
on its way at a kill may come twice, with the same position; the closing ledger balances. And it has to be busy while
it is killed: the run fails below LEAST_CHAT_RATE. Standard library only.
"""
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

USER = "crash-user"
HEADERS = {"gms_user": USER, "Content-Type": "application/json"}
# Messages a second of each speaker: customer and agent offer 600 together, for what breaks on the way, so that some 500 a
# second of the broker's life are accepted. The publisher comes on top.
SPEAKER_RATE = 300
# With less than half of that, on however slow a machine, the promise has not been tried.
LEAST_CHAT_RATE = SPEAKER_RATE
PUBLISHER_RATE = 50
# How long a broker lives, in seconds.
SHORTEST_LIFE, LONGEST_LIFE = 0.1, 0.7
STARTS_WITHIN = 20
CATCHES_UP_WITHIN = 30
BROKEN = (OSError, http.client.HTTPException)


class Line:
    """One keep-alive connection."""

    def __init__(self, address, timeout=15):
        self.host, port = address.rsplit(":", 1)
        self.port, self.timeout, self.connection = int(port), timeout, None

    def call(self, method, path, body=None):
        """Status and parsed body; raises one of BROKEN where the connection broke before the answer was whole."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
                self.connection.connect()
                self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            data = None if body is None else json.dumps(body)
            self.connection.request(method, path, data, HEADERS)
            response = self.connection.getresponse()
            text = response.read()
            return response.status, json.loads(text) if text[:1] in (b"{", b"[") else text.decode()
        except BROKEN:
            self.close()
            raise

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None


class Broker:
    def __init__(self, program, directory):
        self.program, self.directory = program, directory
        self.public = self.admin = "127.0.0.1:0"
        self.process = None
        self.slowest_start = 0.0

    def start(self):
        began = time.monotonic()
        log = open(os.path.join(self.directory, "broker.log"), "ab")
        self.process = subprocess.Popen(
            [self.program, "serve", "--port", self.public.rsplit(":")[-1], "--admin-port",
             self.admin.rsplit(":")[-1], "--data", os.path.join(self.directory, "data")],
            stdout=subprocess.PIPE, stderr=log)
        log.close()
        for _ in range(2):
            line = self.process.stdout.readline().decode()
            if line.startswith("listening on http://"):
                self.public = line.split("http://")[1].strip()
            elif line.startswith("admin on http://"):
                self.admin = line.split("http://")[1].strip()
            else:
                raise SystemExit("the broker did not start: %r\n%s" % (line, self.log_tail()))
        self.slowest_start = max(self.slowest_start, time.monotonic() - began)

    def log_tail(self):
        with open(os.path.join(self.directory, "broker.log"), "rb") as log:
            return log.read()[-4000:].decode(errors="replace")

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait(STARTS_WITHIN)
        self.process.stdout.close()


class Speaker(threading.Thread):
    """Says one numbered thing after the other; remembers which were answered 200 and which broke on the way."""

    def __init__(self, name, rate, line, say):
        super().__init__(daemon=True)
        self.label, self.rate, self.line, self.say = name, rate, line, say
        self.accepted, self.broken, self.refused = [], [], []
        self.stopping = threading.Event()

    def run(self):
        number, due = 0, time.monotonic()
        while not self.stopping.is_set():
            number += 1
            text = "%s-%d" % (self.label, number)
            try:
                status, body = self.say(self.line, text)
            except BROKEN:
                self.broken.append(text)
                time.sleep(0.01)
                due = time.monotonic()
                continue
            if status == 200:
                self.accepted.append(text)
            else:
                self.refused.append((text, status, body))
            due = max(due + 1 / self.rate, time.monotonic() - 0.1)
            time.sleep(max(0, due - time.monotonic()))


class Listener(threading.Thread):
    """A Bayeux client by long-polling: shakes hands again whenever it has to."""

    def __init__(self, broker):
        super().__init__(daemon=True)
        self.broker = broker
        self.line = Line(broker.public)
        # (session, key, content) in the order of arrival.
        self.events = []
        self.sessions = 0
        self.client = None
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            try:
                if self.client is None:
                    self.shake_hands()
                self.take(self.post({"channel": "/meta/connect", "connectionType": "long-polling"}))
            except BROKEN:
                self.client = None
                time.sleep(0.01)

    def post(self, message):
        if self.client is not None:
            message["clientId"] = self.client
        _, messages = self.line.call("POST", "/genesys/cometd", [message])
        if not isinstance(messages, list):
            raise http.client.HTTPException("no Bayeux answer")
        return messages

    def shake_hands(self):
        reply = self.post({"channel": "/meta/handshake", "version": "1.0"})[-1]
        self.client = reply["clientId"]
        self.sessions += 1
        self.take(self.post({"channel": "/meta/subscribe", "subscription": "/_genesys"}))

    def take(self, messages):
        for message in messages:
            if message["channel"] == "/_genesys":
                self.note(message["data"])
            elif message.get("successful") is False:
                self.client = None

    def note(self, data):
        if data["tag"] == "crash.note":
            self.events.append((self.sessions, None, data["message"]["text"]))
        elif data["tag"].startswith("service.chat.refresh."):
            ixn = data["message"]
            texts = tuple(entry[2] for entry in ixn["transcriptToShow"])
            self.events.append((self.sessions, int(ixn["transcriptPosition"]), texts))


class Verdict:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, what, faults):
        if faults:
            self.failed += 1
            print("FAILED: %s: %s" % (what, str(faults)[:600]), file=sys.stderr)
        else:
            self.passed += 1
            print("ok: %s" % what)


def open_chat(broker):
    line = Line(broker.public)
    _, service = line.call("POST", "/genesys/1/service/request-chat", {})
    chat = "/genesys/1/service/%s/ixn/chat" % service["_id"]
    line.call("POST", chat, {"notify_by": "comet", "firstName": "Crash", "subject": "crash"})
    admin = Line(broker.admin)
    agent = "/agent/chats/%s" % service["_id"]
    status, _ = admin.call("POST", agent + "/join", {"nickname": "Ada"})
    if status != 200:
        raise SystemExit("the agent could not join: %d" % status)
    return chat, agent


class Callbacks:
    """A callback whose customer polls, one that waits for its agent, and a stored value: all made before the kills."""

    AGENT = "Bea"

    def __init__(self, broker):
        self.broker = broker
        self.line = Line(broker.public)
        self.chatting = self.create("chat-immediate")
        self.chat = "/genesys/1/service/%s/ixn/chat" % self.chatting
        self.expect(200, "POST", self.chat, {"firstName": "Poll"})
        self.expect(200, "POST", self.chat + "/send", {"message": "before the kills"})
        self.waiting = self.create("chat-delayed")
        self.expect(503, "POST", "/genesys/1/service/%s/connect" % self.waiting, {})
        self.expect(200, "POST", "/genesys/1/service/%s/storage" % self.waiting, {"color": "red"})

    def create(self, name):
        return self.expect(200, "POST", "/genesys/1/service/callback/" + name, {"_customer_number": "5115"})["_id"]

    def expect(self, wanted, method, path, body=None, line=None):
        status, answer = (line or self.line).call(method, path, body)
        if status != wanted:
            raise SystemExit("%s %s answered %d %r" % (method, path, status, answer))
        return answer

    def check(self, verdict):
        """After the last start: routing was told of both again, and nothing of them is forgotten."""
        admin = Line(self.broker.admin)
        self.line = Line(self.broker.public)
        path = "/agent/chats/%s" % self.chatting
        admin.call("PUT", "/agent/agents/" + self.AGENT, {"ready": True})
        offered = None
        deadline = time.monotonic() + CATCHES_UP_WITHIN
        while offered != self.AGENT and time.monotonic() < deadline:
            offered = admin.call("GET", path)[1].get("offeredTo")
            time.sleep(0.05)
        verdict.check("the restored chat of a callback is offered again", [] if offered == self.AGENT else [offered])
        self.expect(200, "POST", path + "/join", {"nickname": self.AGENT}, admin)
        self.expect(200, "POST", path + "/send", {"nickname": self.AGENT, "text": "after the kills"}, admin)
        shown = self.expect(200, "POST", self.chat + "/refresh", {"transcriptPosition": "0"})["transcriptToShow"]
        texts = [entry[2] for entry in shown]
        wanted = ["before the kills", "has joined the session", "after the kills"]
        verdict.check("its transcript goes on where it was", [] if texts == wanted else texts)
        status, dialog = self.line.call("POST", "/genesys/1/service/%s/connect" % self.waiting, {})
        started = status == 200 and dialog["_action"] == "StartChat" and dialog["_id"] == self.waiting
        verdict.check("a callback that waited for its agent gets him", [] if started else [status, dialog])
        stored = self.line.call("GET", "/genesys/1/service/%s/storage/color" % self.waiting)
        verdict.check("a stored value is still there", [] if stored == (200, "red") else [stored])


def speakers(broker, chat, agent):
    def customer(line, text):
        return line.call("POST", chat + "/send", {"message": text})

    def helper(line, text):
        return line.call("POST", agent + "/send", {"nickname": "Ada", "text": text})

    def publisher(line, text):
        return line.call("POST", "/publish", {"user": USER, "tag": "crash.note", "message": {"text": text}})

    return [
        Speaker("customer", SPEAKER_RATE, Line(broker.public), customer),
        Speaker("agent", SPEAKER_RATE, Line(broker.admin), helper),
        Speaker("note", PUBLISHER_RATE, Line(broker.admin), publisher),
    ]


def check_positions(events, verdict):
    """Positions of the chat: without a gap, in order, each with one content; repeats only right after a kill."""
    seen, highest, disorder, gaps, changed, early = {}, 0, [], [], [], []
    repeats = 0
    for session, position, texts in (event for event in events if event[1] is not None):
        if position in seen:
            repeats += 1
            if seen[position][1] != texts:
                changed.append((position, seen[position][1], texts))
            if seen[position][0] == session:
                early.append((position, session))
        else:
            if position < highest:
                disorder.append((position, highest))
            elif position != highest + 1:
                gaps.append((highest, position))
            seen[position] = (session, texts)
        highest = max(highest, position)
    verdict.check("positions have no gap", gaps)
    verdict.check("positions come in order", disorder)
    verdict.check("a position never names two things", changed)
    verdict.check("nothing comes twice but what was on its way at a kill", early)
    return repeats


def check_speaker(speaker, events, verdict):
    heard = []
    known = set()
    for _, position, content in events:
        for text in [content] if position is None else content:
            if text.startswith(speaker.label + "-") and text not in known:
                known.add(text)
                heard.append(int(text.rsplit("-", 1)[1]))
    verdict.check("nothing of the %s was refused" % speaker.label, speaker.refused)
    verdict.check(
        "all %d accepted messages of the %s arrived" % (len(speaker.accepted), speaker.label),
        [text for text in speaker.accepted if text not in known])
    verdict.check(
        "messages of the %s are in order" % speaker.label,
        [pair for pair in zip(heard, heard[1:]) if pair[0] >= pair[1]])


def metrics(broker):
    _, text = Line(broker.admin).call("GET", "/metrics")
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


def settle(broker, listener, talking):
    """Waits until all that was accepted was heard and settled; the last metrics."""
    deadline = time.monotonic() + CATCHES_UP_WITHIN
    while True:
        heard = {text for _, position, content in list(listener.events)
                 for text in ([content] if position is None else content)}
        page = metrics(broker)
        if all(text in heard for speaker in talking for text in speaker.accepted):
            if page["broker_store_messages"] == "0" or time.monotonic() > deadline:
                return page
        if time.monotonic() > deadline:
            return page
        time.sleep(0.1)


def main():
    rounds, program = int(sys.argv[1]), sys.argv[2]
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 31)
    dice = random.Random(seed)
    print("seed %d" % seed)
    verdict = Verdict()
    with tempfile.TemporaryDirectory() as directory:
        broker = Broker(program, directory)
        broker.start()
        try:
            chat, agent = open_chat(broker)
            callbacks = Callbacks(broker)
            listener = Listener(broker)
            listener.start()
            talking = speakers(broker, chat, agent)
            began = time.monotonic()
            for speaker in talking:
                speaker.start()
            lived = 0.0
            for _ in range(rounds):
                life = dice.uniform(SHORTEST_LIFE, LONGEST_LIFE)
                time.sleep(life)
                lived += life
                broker.end(signal.SIGKILL)
                broker.start()
            time.sleep(0.3)
            lived += 0.3
            for speaker in talking:
                speaker.stopping.set()
            for speaker in talking:
                speaker.join(STARTS_WITHIN)
            callbacks.check(verdict)
            page = settle(broker, listener, talking)
            events = list(listener.events)
            repeats = check_positions(events, verdict)
            for speaker in talking:
                check_speaker(speaker, events, verdict)
            verdict.check("the ledger balances", int(page["broker_ledger_imbalance"]))
            verdict.check("nobody waits for a message any more", int(page["broker_user_messages_waiting"]))
            verdict.check("nothing is kept that was handed over", int(page["broker_store_messages"]))
            verdict.check("nothing waits to be written", int(page["broker_store_waiting"]))
            verdict.check("no write failed", int(page["broker_store_failures_total"]))
            accepted = sum(len(speaker.accepted) for speaker in talking)
            chatted = sum(len(speaker.accepted) for speaker in talking if speaker.label != "note")
            verdict.check(
                "customer and agent had %d messages a second accepted, at least %d" % (
                    chatted / lived, LEAST_CHAT_RATE),
                [] if chatted / lived >= LEAST_CHAT_RATE else ["too few to try the promise"])
            broken = sum(len(speaker.broken) for speaker in talking)
            print("%d kills in %.0f s, %d messages accepted (%.0f/s of the broker's life), %d broke on the way, "
                  "%d came twice, %d sessions, slowest start %.2f s" % (
                      rounds, time.monotonic() - began, accepted, accepted / lived, broken, repeats,
                      listener.sessions, broker.slowest_start))
            listener.stopping.set()
            broker.end(signal.SIGTERM)
        finally:
            if broker.process.poll() is None:
                broker.process.kill()
            if verdict.failed:
                print(broker.log_tail(), file=sys.stderr)
    print("%d passed, %d failed" % (verdict.passed, verdict.failed))
    return 1 if verdict.failed else 0


if __name__ == "__main__":
    sys.exit(main())
