# SPDX-License-Identifier: Apache-2.0
"""nginx in front of the broker, with `proxy_pass` alone and with what Docs/Operations.md says.

Run by Scripts/tests/70-nginx.sh. What both do is the table on that page.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile

import pages
from broker import ROOT, Broker, Checks, binary, wait_until
from clients import CLIENTS, WAIT_SECONDS, Client, Publishing
from nginx import Nginx, certificate
from relay import Relay

PAGE = "Docs/Operations.md"
# What the page calls things.
BROKER, LISTEN, NAME = "127.0.0.1:8080", "listen 443 ssl;", "chat.example.com"
TLS, DATA = "/etc/nginx/tls", "/var/lib/broker"
HELD_MILLISECONDS = 4000
READ_SECONDS = 2
HEADS = ["What", "`proxy_pass` alone", "as above"]
PATH = "/genesys/cometd"
UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
MESSAGES, CUT_OFF = 500, 50
MAX_BODY_BYTES = 524288
BIG_ANSWER_BYTES = 400_000

check = Checks()


def block(language):
    """The one block of that language on the page."""
    with open(os.path.join(ROOT, PAGE), encoding="utf-8") as file:
        found = re.findall(rf"(?ms)^```{language}\n(.*?)^```$", file.read())
    if len(found) != 1:
        raise RuntimeError(f"{PAGE}: {len(found)} blocks of {language}")
    return found[0]


def replaced(text, old, new):
    if old not in text:
        raise RuntimeError(f"{PAGE}: no {old}")
    return text.replace(old, new)


class Site:
    """The broker behind one nginx, as a client sees it."""

    def __init__(self, broker, nginx):
        self.broker = broker
        self.nginx = nginx

    @contextlib.contextmanager
    def connection(self):
        connection = self.nginx.connection()
        try:
            yield connection
        finally:
            connection.close()

    @staticmethod
    def ask(connection, messages, user="alice", body=None, headers=("gms_user", "gms-user")):
        """Status, head, and what was answered; the text of it where it is no JSON."""
        connection.request("POST", PATH, body or json.dumps(messages), {name: user for name in headers})
        response = connection.getresponse()
        text = response.read().decode()
        return response.status, response.headers, json.loads(text) if response.status == 200 else text

    def session(self, connection, **named):
        """A session that is connected and subscribed to its events: id, whether the subscription went well, head."""
        handshake = {"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}
        _, head, replies = self.ask(connection, [handshake], **named)
        session = replies[0]["clientId"]
        self.ask(connection, [self.connect(session)], **named)
        _, _, replies = self.ask(
            connection, [{"channel": "/meta/subscribe", "clientId": session, "subscription": "/_genesys"}], **named)
        return session, replies[0]["successful"], head

    @staticmethod
    def connect(session):
        return {"channel": "/meta/connect", "clientId": session, "connectionType": "long-polling"}

    # What the table says of it, each a few words.

    def user_header(self):
        with self.connection() as connection:
            has_user = self.session(connection, headers=["gms_user"])[1]
        return "arrives" if has_user else "is dropped: the session has no user"

    def upgrade(self, **fields):
        with self.connection() as connection:
            connection.request("GET", PATH, headers={**UPGRADE, **fields})
            status = connection.getresponse().status
        return "is accepted" if status == 101 else f"HTTP {status}"

    def upgrade_of_page(self):
        scheme = "https" if self.nginx.tls else "http"
        return self.upgrade(Origin=f"{scheme}://{self.nginx.address}")

    def upgrade_of_stranger(self):
        return self.upgrade(Origin="https://elsewhere.example")

    def connections(self):
        with self.connection() as connection:
            session = self.session(connection)[0]
            before = self.accepted()
            subscribe = {"channel": "/meta/subscribe", "clientId": session, "subscription": "/service/x"}
            for _ in range(20):
                self.ask(connection, [subscribe])
            # The second look at the metrics is a connection, too.
            return str(self.accepted() - before - 1)

    def accepted(self):
        return self.broker.metrics()["broker_http_accepted_total"]

    def long_hold(self):
        with self.connection() as connection:
            session = self.session(connection)[0]
            status, _, _ = self.ask(connection, [self.connect(session)])
            return "is answered" if status == 200 else f"HTTP {status}"

    def hang_up(self):
        connection = self.nginx.connection()
        session = self.session(connection)[0]
        connection.request("POST", PATH, json.dumps([self.connect(session)]), {name: "alice" for name in ("gms_user", "gms-user")})
        held = wait_until(lambda: self.broker.metrics()["broker_connects_held"] == 1, 5)
        connection.sock.close()
        connection.close()
        gone = wait_until(lambda: self.broker.metrics()["broker_connects_held"] == 0, 5)
        return "is noticed at once" if held and gone else "is not noticed"

    def big_body(self):
        filler = json.dumps([{"channel": "/service/x", "data": ""}])
        body = filler + " " * (MAX_BODY_BYTES - len(filler))
        with self.connection() as connection:
            status, _, _ = self.ask(connection, None, body=body)
        return "arrives" if status == 200 else f"HTTP {status}"

    def big_answer(self):
        text = "x" * BIG_ANSWER_BYTES
        with self.connection() as connection:
            session = self.session(connection, user="bob")[0]
            self.broker.publish(user="bob", tag="t", message=text)
            _, _, replies = self.ask(connection, [self.connect(session)], user="bob")
        return "arrives" if replies[0]["data"]["message"] == text else "is cut off"

    def cookie(self):
        with self.connection() as connection:
            cookie = self.session(connection)[2]["Set-Cookie"]
        return "`Secure`" if "; secure" in cookie.lower() else "without `Secure`"


QUESTIONS = [
    ("The header `gms_user`", Site.user_header),
    ("A WebSocket", Site.upgrade),
    ("A WebSocket of a page of the same host", Site.upgrade_of_page),
    ("A WebSocket of a page of another host", Site.upgrade_of_stranger),
    ("New connections to the broker for 20 requests of one client", Site.connections),
    ("A connect that is held longer than `proxy_read_timeout` (60 s by default; above 120 s)", Site.long_hold),
    ("A client that hangs up", Site.hang_up),
    ("A request of `http.maxBodyBytes`", Site.big_body),
    ("An answer of 400 kB", Site.big_answer),
    ("The cookie of the handshake", Site.cookie),
]


def alone(broker):
    """The least there can be. Its time to wait is short, as the time that the broker holds."""
    return lambda port: f"""
  server {{
    listen 127.0.0.1:{port};
    location /genesys/ {{ proxy_pass http://{broker.address}; proxy_read_timeout {READ_SECONDS}s; }}
  }}"""


def as_on_page(broker, directory):
    text = replaced(replaced(block("nginx"), BROKER, broker.address), TLS, directory)
    return lambda port: replaced(text, LISTEN, f"listen 127.0.0.1:{port} ssl;")


def through_nginx(broker, nginx):
    """aiocometd through TLS and proxy: long-polling, WebSocket, and a restart of the broker under it."""
    name, command, transports = CLIENTS[0]
    for transport in transports:
        publishing = Publishing(broker)
        with Client(
                command, nginx.address, transport, "ack", {"SSL_CERT_FILE": nginx.tls}, "https") as client:
            wrong = client.begins(transport)
            check(f"{name} by {transport} through nginx", wrong is None, wrong)
            wrong = client.receives(publishing.publish(MESSAGES))
            check(f"receives {MESSAGES} messages in order", wrong is None, wrong)
            wrong = client.disconnect()
            check("and disconnects", wrong is None, wrong)
        publishing.close()


def without_tls(configuration):
    return lambda port: replaced(configuration(port), f"{port} ssl;", f"{port};")


def every_client(broker, nginx):
    """All clients, through a relay that cuts their connection to nginx and then lets them come again."""
    for name, command, transports in CLIENTS:
        for transport in transports:
            for ack in ("plain", "ack"):
                what = f"{name} by {transport}, {ack}, through nginx"
                publishing = Publishing(broker)
                with Relay(nginx.address) as relay, Client(command, relay.address, transport, ack) as client:
                    wrong = client.begins(transport) or client.receives(publishing.publish(MESSAGES))
                    check(f"{what}: {MESSAGES} messages in order", wrong is None, wrong)
                    wrong = None if is_holding(broker, 1) else "no connect is held"
                    relay.cut()
                    wrong = wrong or (None if is_holding(broker, 0) else "nginx does not pass on the hang-up")
                    numbers = publishing.publish(CUT_OFF)
                    relay.mend()
                    wrong = wrong or client.receives(numbers)
                    check(f"{what}: what was published while its connection was cut comes afterwards", wrong is None, wrong)
                    wrong = None if is_holding(broker, 1) else "no connect is held"
                    wrong = wrong or client.disconnect()
                    check(f"{what}: disconnects", wrong is None, wrong)
                publishing.close()


def is_holding(broker, count):
    return wait_until(lambda: broker.metrics()["broker_connects_held"] == count, WAIT_SECONDS)


def stop_and_restart(broker, site, options):
    """What a held connect sees of SIGTERM, and who comes afterwards."""
    with site.connection() as connection:
        session = site.session(connection)[0]
        connection.request("POST", PATH, json.dumps([site.connect(session)]), {"gms_user": "alice"})
        held = wait_until(lambda: broker.metrics()["broker_connects_held"] == 1, 2)
        check("a connect is held through nginx", held)
        status, seconds = broker.end()
        response = connection.getresponse()
        reply = json.loads(response.read())[-1]
        check("SIGTERM answers a held connect through nginx",
              response.status == 200 and reply["successful"] and reply["advice"]["reconnect"] == "retry", reply)
        check(f"and ends the broker with 0 ({seconds:.1f} s)", status == 0 and seconds < 3, (status, seconds))
        status, _, _ = site.ask(connection, [site.connect(session)])
        check("while it is away there is 502", status == 502, status)
        with Broker(*options, port=broker.port, admin_port=broker.admin_port):
            status, _, replies = site.ask(connection, [site.connect(session)])
            check("and after its restart the advice to handshake",
                  status == 200 and replies[0]["advice"]["reconnect"] == "handshake", replies)


def page_of_metrics(broker):
    with open(os.path.join(ROOT, PAGE), encoding="utf-8") as file:
        named = set(re.findall(r"`(broker_\w+)", file.read()))
    known = {name.split("{")[0] for name in broker.metrics()}
    check(f"{PAGE}: the {len(named)} metrics it names exist", named and named <= known, named - known)


def unit(directory):
    """The unit of the page, by systemd's own check."""
    if not shutil.which("systemd-analyze"):
        print("not checked: the unit of the page, since there is no systemd-analyze")
        return
    path = os.path.join(directory, "broker.service")
    with open(path, "w", encoding="utf-8") as file:
        file.write(replaced(block("ini"), "/usr/local/bin/broker-cli", os.path.abspath(binary())))
    ended = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True)
    check("systemd accepts the unit of the page", ended.returncode == 0 and not ended.stderr, ended.stderr)


def closed_doors(site):
    with site.connection() as connection:
        session = site.session(connection)[0]
        _, _, replies = site.ask(
            connection, [{"channel": "/meta/subscribe", "clientId": session, "subscription": "/news"}])
        check("with the settings of the page broadcast channels are closed", not replies[0]["successful"], replies)
        connection.request("GET", "/genesys/1/admin/node/status")
        status = connection.getresponse().status
        check("and the state of the node is nobody's business outside", status == 404, status)


def main():
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        tls, _ = certificate(directory, NAME, f"DNS:{NAME},IP:127.0.0.1")
        path = os.path.join(directory, "broker.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(replaced(block("json"), DATA, os.path.join(directory, "data")))
        held = {"BAYEUX_TIMEOUT": str(HELD_MILLISECONDS)}
        unit(directory)
        columns = []
        with Broker("--shards", "2", environment=held) as broker, Nginx(alone(broker)) as nginx:
            site = Site(broker, nginx)
            columns.append([ask(site) for _, ask in QUESTIONS])
        with Broker("--shards", "2", "--config", path, environment=held) as broker, \
                Nginx(as_on_page(broker, directory), tls) as nginx:
            site = Site(broker, nginx)
            columns.append([ask(site) for _, ask in QUESTIONS])
            closed_doors(site)
            page_of_metrics(broker)
        options = ["--shards", "2", "--config", path]
        open_channels = {"BAYEUX_OPEN_CHANNELS": "true"}
        with Broker(*options, environment=open_channels) as broker, Nginx(as_on_page(broker, directory), tls) as nginx:
            through_nginx(broker, nginx)
            with Nginx(without_tls(as_on_page(broker, directory))) as plain:
                every_client(broker, plain)
            stop_and_restart(broker, Site(broker, nginx), options)
        rows = [[question, *answers] for (question, _), *answers in zip(QUESTIONS, *columns)]
        pages.hold_to(PAGE, "nginx", pages.table(HEADS, rows), check)
    check.finish()


if __name__ == "__main__":
    main()
