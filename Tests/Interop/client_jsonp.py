# SPDX-License-Identifier: Apache-2.0
"""Callback-polling, as a page does it that may only load scripts: one of the clients of interop_check.py."""

import http.client
import itertools
import json
import re
import sys
import threading
import time
import urllib.parse

REQUEST_SECONDS = 90
RETRY_SECONDS = 0.2

saying = threading.Lock()


def say(line):
    """Prints a line at once and whole: both threads speak."""
    with saying:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


class Session:
    """Two connections, as a browser has: one for connects, one for all else."""

    def __init__(self, url, user, acknowledges):
        self.url = urllib.parse.urlsplit(url)
        self.user = user
        self.acknowledges = acknowledges
        self.batch = 0
        self.client_id = None
        self.numbers = itertools.count(1)
        self.is_open = True

    def ask(self, connection, **message):
        """Sends one message until it is answered: the reply. Events are printed as they come."""
        number = next(self.numbers)
        message["id"] = str(number)
        if self.client_id:
            message["clientId"] = self.client_id
        while True:
            try:
                return self.once(connection, f"cb_{number}", message)
            except (OSError, http.client.HTTPException):
                connection.close()
                time.sleep(RETRY_SECONDS)

    def once(self, connection, callback, message):
        query = urllib.parse.urlencode({"jsonp": callback, "message": json.dumps([message])})
        connection.request("GET", f"{self.url.path}?{query}", headers={"gms_user": self.user})
        response = connection.getresponse()
        text = response.read().decode()
        script = re.fullmatch(r"/\*\*/" + callback + r"\((.*)\);?\s*", text, re.DOTALL)
        if response.status != 200 or not script:
            sys.exit(f"{response.status} {text}")
        *events, reply = json.loads(script[1])
        for event in events:
            data = event["data"]
            say(f"event {(data.get('message') or data)['number']}")
        return reply

    def connection(self):
        return http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=REQUEST_SECONDS)

    def open(self, connection, channels):
        reply = self.ask(connection, channel="/meta/handshake", version="1.0",
                         supportedConnectionTypes=["callback-polling"], ext={"ack": self.acknowledges})
        self.client_id = reply["clientId"]
        for channel in channels:
            if not self.ask(connection, channel="/meta/subscribe", subscription=channel)["successful"]:
                sys.exit(f"{channel} is refused")

    def poll(self):
        connection = self.connection()
        while self.is_open:
            ext = {"ext": {"ack": self.batch}} if self.acknowledges else {}
            reply = self.ask(connection, channel="/meta/connect", connectionType="callback-polling", **ext)
            self.batch = reply.get("ext", {}).get("ack", self.batch)


def main(url, user, transport, ack, *channels):
    session = Session(url, user, ack == "ack")
    connection = session.connection()
    session.open(connection, channels)
    threading.Thread(target=session.poll, daemon=True).start()
    say(f"ready {transport}")
    sys.stdin.readline()
    session.is_open = False
    reply = session.ask(session.connection(), channel="/meta/disconnect")
    if reply["successful"]:
        say("closed")


main(*sys.argv[1:])
