# SPDX-License-Identifier: Apache-2.0
"""Every client over every transport, with and without acknowledgements, through a relay that cuts their connections.

Run by Scripts/tests/60-interop.sh. What came of it is the table in Docs/Interop.md.
"""

import concurrent.futures
import json
import re
import subprocess

import pages
from broker import Broker, Checks, binary, wait_until
from clients import CLIENTS, WAIT_SECONDS, Client, Publishing
from relay import Relay

HEADS = ["Client", "Transport", "ack", "500 messages", "cut off, 50 meanwhile", "an answer lost", "disconnects",
         "away, 10 meanwhile"]
IN_ORDER, CUT_OFF, AFTER_LOSS, WHILE_AWAY = 500, 50, 10, 10
RESULTS = len(HEADS) - 3
ROWS_AT_ONCE = 3

check = Checks()


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
                if not self.holds("handshake and subscriptions", client.begins(self.transport)):
                    return [*self.names, *["FAILED"] * RESULTS]
                return [*self.names, self.in_order(client, publishing),
                        self.cut_off(broker, relay, client, publishing),
                        self.answer_lost(broker, relay, client, publishing),
                        self.ends(broker, client), self.away(broker, publishing)]
            finally:
                publishing.close()

    def in_order(self, client, publishing):
        wrong = client.receives(publishing.publish(IN_ORDER))
        held = self.holds(f"{IN_ORDER} messages in order, none lost, none twice", wrong)
        return "all, in order" if held else "FAILED"

    def cut_off(self, broker, relay, client, publishing):
        wrong = None if is_holding(broker, 1) else "no connect was held before"
        relay.cut()
        wrong = wrong or (None if is_holding(broker, 0) else "the hang-up was not noticed")
        numbers = publishing.publish(CUT_OFF)
        relay.mend()
        wrong = wrong or client.receives(numbers)
        held = self.holds("what was published while its connection was cut comes afterwards", wrong)
        return "all" if held else "FAILED"

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
        # The connect that is held has confirmed what came before: what is not confirmed is for the user's next session.
        wrong = None if is_holding(broker, 1) else "no connect was held before"
        wrong = wrong or client.disconnect()
        metrics = broker.metrics()
        if wrong is None and metrics["broker_sessions"] != 0:
            wrong = "the session is still there"
        if wrong is None and metrics["broker_ledger_imbalance"] != 0:
            wrong = f"the books are out by {metrics['broker_ledger_imbalance']}"
        return "yes" if self.holds("disconnect ends the session, and the books balance", wrong) else "FAILED"

    def away(self, broker, publishing):
        """What is published to the user without a session waits for the next one."""
        numbers = publishing.publish(WHILE_AWAY, to_user_alone=True)
        with Client(self.command, broker.address, self.transport, self.ack) as client:
            wrong = client.begins(self.transport) or client.receives(numbers)
            return "all" if self.holds("what came for its user while it was away waits for it", wrong) else "FAILED"


class LoadRow(Row):
    """Our own load test, which counts for itself: so many messages to each of its clients."""

    def run(self):
        options = [
            "--scenario", "users", "--clients", "20", "--messages", str(IN_ORDER), "--warmup", "100ms", "--quiet"]
        with Broker("--shards", "2") as broker:
            ended = subprocess.run(
                [*self.command, "--url", f"http://{broker.address}/genesys/cometd", "--transport", self.transport,
                 "--publish-http", f"http://{broker.admin}/publish", *options,
                 *(["--ack"] if self.ack == "ack" else [])],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        counted = re.search(r"accounts .*", ended.stdout)
        wrong = None if ended.returncode == 0 and counted else f"{ended.returncode} {ended.stdout} {ended.stderr}"
        held = self.holds(f"{IN_ORDER} messages in order, none lost, none twice", wrong)
        return [*self.names, "all, in order" if held else "FAILED", *["–"] * (RESULTS - 1)]


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
        return [*row.names, *["FAILED"] * RESULTS]


def main():
    with concurrent.futures.ThreadPoolExecutor(ROWS_AT_ONCE) as pool:
        results = list(pool.map(result, rows()))
    pages.hold_to("Docs/Interop.md", "clients", pages.table(HEADS, results), check)
    check.finish()


if __name__ == "__main__":
    main()
