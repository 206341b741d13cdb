# SPDX-License-Identifier: Apache-2.0
"""Every client over every transport, with and without acknowledgements, through a relay that cuts their connections.

Run by Scripts/tests/60-interop.sh. A client is a program that is given

    URL USER TRANSPORT ack|plain CHANNEL…

and prints `ready TRANSPORT` once it is subscribed, `event NUMBER` for each event, and `closed` when a line on standard
input made it disconnect. What came of it is the table in Docs/Interop.md.
"""

import concurrent.futures
import http.client
import json
import os
import queue
import re
import subprocess
import sys
import threading

import pages
from broker import ROOT, Broker, Checks, binary, wait_until
from relay import Relay

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = [sys.executable, "-B"]
# Name, program, transports.
CLIENTS = [
    ("aiocometd (Python)", [*PYTHON, os.path.join(HERE, "client_aiocometd.py")], ["long-polling", "websocket"]),
    ("Faye (Ruby)", ["ruby", os.path.join(HERE, "client_faye.rb")], ["long-polling", "websocket"]),
    ("a script, as a page would", [*PYTHON, os.path.join(HERE, "client_jsonp.py")], ["callback-polling"]),
]
CHANNEL, USER = "/interop", "alice"
HEADS = ["Client", "Transport", "ack", "500 messages", "cut off, 50 meanwhile", "an answer lost", "disconnects"]
IN_ORDER, CUT_OFF, AFTER_LOSS = 500, 50, 10
WAIT_SECONDS = 20
ROWS_AT_ONCE = 3

check = Checks()


class Client:
    """A client program, and what it said."""

    def __init__(self, command, address, transport, ack, environment=None, scheme="http"):
        self.process = subprocess.Popen(
            [*command, f"{scheme}://{address}/genesys/cometd", USER, transport, ack, CHANNEL, "/_genesys"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.strip())
        self.lines.put(None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def says(self, seconds=WAIT_SECONDS):
        """Its next line; None where none comes."""
        try:
            return self.lines.get(timeout=seconds)
        except queue.Empty:
            return None

    def receives(self, numbers):
        """Whether it says that it received these, in this order and nothing else: the first that differs, or None."""
        for number in numbers:
            line = self.says()
            if line != f"event {number}":
                return f"{line}, not event {number}"
        return None

    def disconnect(self):
        """What it said instead of `closed`; None where all went well."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.says()
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

    def publish(self, count):
        """Publishes so many: their numbers."""
        first = self.number
        for number in range(first, first + count):
            data = {"number": number}
            order = {"channel": CHANNEL, "data": data} if number % 2 == 0 else {
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


class Row:
    """One client over one transport."""

    def __init__(self, name, command, transport, ack):
        self.names = [name, transport, "yes" if ack == "ack" else "no"]
        self.command = command
        self.transport = transport
        self.ack = ack

    def holds(self, what, wrong):
        """`wrong` is None where all is well."""
        return check(f"{', '.join(self.names[:2])}, {self.ack}: {what}", wrong is None, wrong)

    def run(self):
        with Broker("--shards", "2") as broker, Relay(broker.address) as relay, \
                Client(self.command, relay.address, self.transport, self.ack) as client:
            publishing = Publishing(broker)
            try:
                line = client.says()
                wrong = None if line == f"ready {self.transport}" else line or "nothing"
                if not self.holds("handshake and subscriptions", wrong):
                    return [*self.names, *["FAILED"] * 4]
                return [*self.names, self.in_order(client, publishing),
                        self.cut_off(broker, relay, client, publishing),
                        self.answer_lost(broker, relay, client, publishing), self.ends(broker, client)]
            finally:
                publishing.close()

    def in_order(self, client, publishing):
        wrong = client.receives(publishing.publish(IN_ORDER))
        return "all, in order" if self.holds(f"{IN_ORDER} messages in order, none lost, none twice", wrong) else "FAILED"

    def cut_off(self, broker, relay, client, publishing):
        wrong = None if is_holding(broker, 1) else "no connect was held before"
        relay.cut()
        wrong = wrong or (None if is_holding(broker, 0) else "the hang-up was not noticed")
        numbers = publishing.publish(CUT_OFF)
        relay.mend()
        wrong = wrong or client.receives(numbers)
        return "all" if self.holds("what was published while its connection was cut comes afterwards", wrong) else "FAILED"

    def answer_lost(self, broker, relay, client, publishing):
        """Cuts the connection while an answer is on its way: with acknowledgements it comes again."""
        wrong = None if is_holding(broker, 1) else "no connect was held before"
        relay.swallow()
        lost = publishing.publish(1)
        mark = json.dumps({"number": lost[0]}).encode()
        if not wait_until(lambda: mark in relay.swallowed, WAIT_SECONDS):
            wrong = wrong or "nothing was answered"
        relay.cut()
        after = publishing.publish(AFTER_LOSS)
        relay.mend()
        expected = [*lost, *after] if self.ack == "ack" else after
        wrong = wrong or client.receives(expected)
        what = "comes again" if self.ack == "ack" else "is lost alone"
        return what if self.holds(f"what was in an answer that did not arrive {what}", wrong) else "FAILED"

    def ends(self, broker, client):
        wrong = client.disconnect()
        metrics = broker.metrics()
        if wrong is None and metrics["broker_sessions"] != 0:
            wrong = "the session is still there"
        if wrong is None and metrics["broker_ledger_imbalance"] != 0:
            wrong = f"the books are out by {metrics['broker_ledger_imbalance']}"
        return "yes" if self.holds("disconnect ends the session, and the books balance", wrong) else "FAILED"


class LoadRow(Row):
    """Our own load test, which counts for itself: so many messages to each of its clients."""

    def run(self):
        options = ["--scenario", "users", "--clients", "20", "--messages", str(IN_ORDER), "--warmup", "100ms", "--quiet"]
        with Broker("--shards", "2") as broker:
            ended = subprocess.run(
                [*self.command, "--url", f"http://{broker.address}/genesys/cometd", "--transport", self.transport,
                 "--publish-http", f"http://{broker.admin}/publish", *options,
                 *(["--ack"] if self.ack == "ack" else [])],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        counted = re.search(r"accounts .*", ended.stdout)
        wrong = None if ended.returncode == 0 and counted else f"{ended.returncode} {ended.stdout} {ended.stderr}"
        held = self.holds(f"{IN_ORDER} messages in order, none lost, none twice", wrong)
        return [*self.names, "all, in order" if held else "FAILED", "–", "–", "–"]


def is_holding(broker, count):
    return wait_until(lambda: broker.metrics()["broker_connects_held"] == count, WAIT_SECONDS)


def rows():
    for name, command, transports in CLIENTS:
        for transport in transports:
            for ack in ("plain", "ack"):
                yield Row(name, command, transport, ack)
    for transport in ("long-polling", "websocket"):
        for ack in ("plain", "ack"):
            yield LoadRow("`broker-cli load-test`", [binary(), "load-test"], transport, ack)


def result(row):
    try:
        return row.run()
    except Exception as error:  # A row that breaks off is a failed row, not the end of the others.
        row.holds("ran to its end", repr(error))
        return [*row.names, *["FAILED"] * 4]


def main():
    with concurrent.futures.ThreadPoolExecutor(ROWS_AT_ONCE) as pool:
        results = list(pool.map(result, rows()))
    pages.hold_to("Docs/Interop.md", "clients", pages.table(HEADS, results), check)
    check.finish()


if __name__ == "__main__":
    main()
