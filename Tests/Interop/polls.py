# SPDX-License-Identifier: Apache-2.0
"""Many Bayeux clients in one process, each on a connection of its own, that hold a poll. Standard library only."""

import json
import select
import socket
import time

CHANNEL = "/held"
# Connections that are in the middle of their opening at once: less than a listener keeps waiting.
OPENING_AT_ONCE = 500


class Poll:
    """One client: handshake, connect, subscribe, and the connect that is held."""

    def __init__(self, address, user):
        self.user = user
        self.client_id = None
        self.steps = iter(("handshake", "connect", "subscribe", "connect"))
        self.step = None
        self.input = b""
        self.is_held = False
        # Status and messages of what ended the held connect; None as long as nothing did.
        self.answer = None
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(address)

    def next_request(self):
        """The bytes of the next step; afterwards nothing is to be sent any more."""
        self.step = next(self.steps)
        message = {"channel": f"/meta/{self.step}", "id": "1"}
        if self.client_id:
            message["clientId"] = self.client_id
            self.is_held = self.step == "connect" and self.was_connected
        if self.step == "handshake":
            message |= {"version": "1.0", "supportedConnectionTypes": ["long-polling"]}
            self.was_connected = False
        if self.step == "connect":
            message["connectionType"] = "long-polling"
            self.was_connected = True
        if self.step == "subscribe":
            message["subscription"] = CHANNEL
        body = json.dumps([message]).encode()
        user = f"gms_user: {self.user}\r\n" if self.user else ""
        head = f"POST /genesys/cometd HTTP/1.1\r\nHost: broker\r\n{user}Content-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    def take_response(self):
        """A whole response, if there is one: status and messages."""
        end = self.input.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self.input[:end].decode().split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in head[1:])
        whole = end + 4 + int(fields["content-length"])
        if len(self.input) < whole:
            return None
        body, self.input = self.input[end + 4:whole], self.input[whole:]
        return int(head[0].split(" ")[1]), json.loads(body) if body else []


class HeldPolls:
    """Opens `count` clients and lets each hold a poll."""

    def __init__(self, address, count, has_users=False):
        host, port = address.rsplit(":", 1)
        self.address = (host, int(port))
        self.epoll = select.epoll()
        self.polls = {}
        for first in range(0, count, OPENING_AT_ONCE):
            self._open(range(first, min(first + OPENING_AT_ONCE, count)), has_users)

    def _open(self, numbers, has_users):
        for number in numbers:
            poll = Poll(self.address, f"user{number}" if has_users else None)
            self.polls[poll.socket.fileno()] = poll
            self.epoll.register(poll.socket, select.EPOLLOUT)
        self._run(lambda: all(poll.is_held for poll in self.polls.values()), 30)

    def _run(self, done, seconds):
        """Serves the sockets until `done` holds."""
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{sum(poll.is_held for poll in self.polls.values())} polls are held")
            for descriptor, events in self.epoll.poll(0.1):
                self._serve(self.polls[descriptor], descriptor, events)

    def _serve(self, poll, descriptor, events):
        if events & select.EPOLLOUT:
            self.epoll.modify(descriptor, select.EPOLLIN)
            poll.socket.send(poll.next_request())
            return
        try:
            received = poll.socket.recv(65536)
        except ConnectionError:
            received = b""
        if not received:
            self.epoll.unregister(descriptor)
            poll.answer = poll.answer or (None, "closed")
            return
        poll.input += received
        response = poll.take_response()
        if response is None:
            return
        if poll.is_held:
            poll.answer = response
            return
        status, messages = response
        if status != 200 or not messages[-1]["successful"]:
            raise RuntimeError(f"{poll.step}: {response}")
        poll.client_id = messages[0].get("clientId", poll.client_id)
        poll.socket.send(poll.next_request())

    def answers(self, seconds):
        """Waits until every held poll was answered, or so long: what they were answered with."""
        try:
            self._run(lambda: all(poll.answer for poll in self.polls.values()), seconds)
        except TimeoutError:
            pass
        return [poll.answer for poll in self.polls.values()]

    def close(self):
        for poll in self.polls.values():
            poll.socket.close()
        self.epoll.close()
