#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills a broker with SIGKILL while clients publish to durable channels, and asks for the past afterwards.

usage: replayloop.py ROUNDS BROKER_CLI [SEED]

Holds the broker to its promise: every publish that was answered successful arrives by replay, in the order of its
publisher, once, and ids rise over all lives of the broker. Standard library only.
"""
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

PUBLISHERS = 3
SHORTEST_LIFE, LONGEST_LIFE = 0.2, 0.6
STARTS_WITHIN = 20
BROKEN = (OSError, http.client.HTTPException)
RULES = [{"pattern": "/durable/**", "durable": True,
          "history": {"maxMessages": 1000000, "maxBytes": 1 << 30, "maxAge": 86400000}}]


class Client:
    """A Bayeux client by long-polling on one connection. Every call raises one of BROKEN where the broker is gone."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=15)
        reply = self.post({"channel": "/meta/handshake", "version": "1.0", "ext": {"replay": True}})[-1]
        self.id, self.offers_replay = reply["clientId"], reply["ext"].get("replay") is True
        self.post({"channel": "/meta/connect", "connectionType": "long-polling", "clientId": self.id})

    def post(self, message):
        self.connection.request("POST", "/genesys/cometd", json.dumps([message]), {"Content-Type": "application/json"})
        messages = json.loads(self.connection.getresponse().read())
        if not isinstance(messages, list):
            raise http.client.HTTPException("no Bayeux answer")
        return messages

    def publish(self, channel, data):
        reply = self.post({"channel": channel, "data": data, "clientId": self.id})[-1]
        return reply["successful"]

    def replay(self, channel, start):
        """All events from there on, until none has come for a while."""
        messages = self.post({"channel": "/meta/subscribe", "subscription": channel, "clientId": self.id,
                              "ext": {"replay": {channel: start}}})
        reply = messages[-1]
        events = [message for message in messages if "data" in message]
        while True:
            messages = self.post({"channel": "/meta/connect", "connectionType": "long-polling", "clientId": self.id,
                                  "advice": {"timeout": 300}})
            more = [message for message in messages if "data" in message]
            events += more
            if not more:
                return reply, events


class Publisher(threading.Thread):
    """Publishes one number after the other; remembers which were answered successful, and which may have been kept."""

    def __init__(self, name, broker):
        super().__init__(daemon=True)
        self.label, self.broker = name, broker
        self.accepted, self.refused = [], []
        self.stopping = threading.Event()

    def run(self):
        client, number = None, 0
        while not self.stopping.is_set():
            try:
                if client is None:
                    client = Client(self.broker.public)
                number += 1
                channel = "/durable/%d" % (number % 4)
                if client.publish(channel, {"from": self.label, "n": number}):
                    self.accepted.append(number)
                else:
                    self.refused.append(number)
            except BROKEN + (KeyError, ValueError):
                client = None
                time.sleep(0.01)


class Broker:
    def __init__(self, program, directory):
        self.program, self.directory = program, directory
        self.public = "127.0.0.1:0"
        self.process = None
        self.config = os.path.join(directory, "broker.json")
        with open(self.config, "w") as file:
            json.dump({"bayeux": {"rules": RULES}}, file)

    def start(self):
        with open(os.path.join(self.directory, "broker.log"), "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "serve", "--config", self.config, "--port", self.public.rsplit(":")[-1],
                 "--admin-port", "0", "--shards", "2", "--data", os.path.join(self.directory, "data")],
                stdout=subprocess.PIPE, stderr=log)
        for _ in range(2):
            line = self.process.stdout.readline().decode()
            if line.startswith("listening on http://"):
                self.public = line.split("http://")[1].strip()
            elif not line.startswith("admin on http://"):
                with open(os.path.join(self.directory, "broker.log"), "rb") as log:
                    raise SystemExit("the broker did not start: %r\n%s" % (line, log.read()[-4000:].decode()))

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait(STARTS_WITHIN)
        self.process.stdout.close()


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


def check(publishers, events, verdict):
    ids = [event["data"]["event"]["replayId"] for event in events]
    verdict.check("ids rise", [pair for pair in zip(ids, ids[1:]) if pair[0] >= pair[1]])
    for publisher in publishers:
        heard = [event["data"]["n"] for event in events if event["data"]["from"] == publisher.label]
        verdict.check("nothing of %s was refused" % publisher.label, publisher.refused)
        verdict.check("all %d accepted messages of %s arrived" % (len(publisher.accepted), publisher.label),
                      sorted(set(publisher.accepted) - set(heard)))
        verdict.check("messages of %s are in order and come once" % publisher.label,
                      [pair for pair in zip(heard, heard[1:]) if pair[0] >= pair[1]])


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
            publishers = [Publisher("publisher %d" % number, broker) for number in range(PUBLISHERS)]
            for publisher in publishers:
                publisher.start()
            followed, last = [], -2
            for _ in range(rounds):
                time.sleep(dice.uniform(SHORTEST_LIFE, LONGEST_LIFE))
                broker.end(signal.SIGKILL)
                broker.start()
                # One that comes back after each kill, with the last id it saw.
                client = Client(broker.public)
                messages = client.post({
                    "channel": "/meta/subscribe", "subscription": "/durable/**", "clientId": client.id,
                    "ext": {"replay": {"/durable/**": last}}})
                followed += [message for message in messages if "data" in message]
                last = followed[-1]["data"]["event"]["replayId"] if followed else -2
            for publisher in publishers:
                publisher.stopping.set()
            for publisher in publishers:
                publisher.join(STARTS_WITHIN)
            reply, rest = Client(broker.public).replay("/durable/**", last)
            followed += rest
            verdict.check("the last reply says that nothing is missing",
                          None if reply["ext"]["replay"]["/durable/**"]["complete"] else [reply])
            client = Client(broker.public)
            verdict.check("replay is offered", None if client.offers_replay else ["no"])
            _, events = client.replay("/durable/**", -2)
            check(publishers, events, verdict)
            verdict.check("who came back after each kill got the same", None if followed == events else
                          ["%d events instead of %d" % (len(followed), len(events))])
            accepted = sum(len(publisher.accepted) for publisher in publishers)
            print("%d kills, %d publishes accepted, %d events replayed" % (rounds, accepted, len(events)))
            broker.end(signal.SIGTERM)
        finally:
            if broker.process.poll() is None:
                broker.process.kill()
    print("%d passed, %d failed" % (verdict.passed, verdict.failed))
    return 1 if verdict.failed else 0


if __name__ == "__main__":
    sys.exit(main())
