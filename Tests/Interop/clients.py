# SPDX-License-Identifier: Apache-2.0
"""Client programs as child processes, and what is published to them. Standard library only.

A client is a program that is given

    URL USER TRANSPORT ack|plain CHANNEL…

and prints `ready TRANSPORT` once it is subscribed, `event NUMBER` for each event, and `closed` when a line on standard
input made it disconnect.
"""

import http.client
import json
import os
import queue
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = [sys.executable, "-B"]
# Name, program, transports.
CLIENTS = [
    ("aiocometd (Python)", [*PYTHON, os.path.join(HERE, "client_aiocometd.py")], ["long-polling", "websocket"]),
    ("Faye (Ruby)", ["ruby", os.path.join(HERE, "client_faye.rb")], ["long-polling", "websocket"]),
    ("a script, as a page would", [*PYTHON, os.path.join(HERE, "client_jsonp.py")], ["callback-polling"]),
]
CHANNEL, USER = "/interop", "alice"
WAIT_SECONDS = 20


class Client:
    """A client program, and what it said."""

    def __init__(self, command, address, transport, ack, environment=None, scheme="http"):
        self.process = subprocess.Popen(
            [*command, f"{scheme}://{address}/genesys/cometd", USER, transport, ack, CHANNEL, "/_genesys"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})
        self.lines = queue.Queue()
        # By itself, since events may come with the reply to the last subscription, and be told before it.
        self.beginning = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            (self.beginning if line.startswith("ready ") else self.lines).put(line.strip())
        for lines in (self.beginning, self.lines):
            lines.put(None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @staticmethod
    def _next(lines):
        """The next line; None where none comes."""
        try:
            return lines.get(timeout=WAIT_SECONDS)
        except queue.Empty:
            return None

    def begins(self, transport):
        """Waits until it is subscribed, over that transport: what it said instead, or None."""
        line = self._next(self.beginning)
        return None if line == f"ready {transport}" else line or "nothing"

    def receives(self, numbers):
        """Whether it says that it received these, in this order and no others in between: what differs, or None."""
        for number in numbers:
            line = self._next(self.lines)
            if line != f"event {number}":
                return f"{line}, not event {number}"
        return None

    def disconnect(self):
        """What it said instead of `closed`; None where all went well."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self._next(self.lines)
        if line != "closed":
            return line or "nothing"
        try:
            status = self.process.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            return "the program did not end"
        return None if status == 0 else f"exit status {status}"


class Publishing:
    """Messages with rising numbers, by turns to the channel and to the user."""

    def __init__(self, broker):
        self.connection = http.client.HTTPConnection(broker.admin, timeout=10)
        self.number = 0

    def publish(self, count, to_user_alone=False):
        """Publishes so many: their numbers."""
        first = self.number
        for number in range(first, first + count):
            data = {"number": number}
            to_channel = number % 2 == 0 and not to_user_alone
            order = {"channel": CHANNEL, "data": data} if to_channel else {
                "user": USER, "tag": "interop", "message": data}
            self.connection.request("POST", "/publish", json.dumps(order))
            response = self.connection.getresponse()
            if response.status != 200:
                raise RuntimeError(f"publish: {response.status} {response.read()}")
            response.read()
        self.number += count
        return range(first, self.number)

    def close(self):
        self.connection.close()
