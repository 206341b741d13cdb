# SPDX-License-Identifier: Apache-2.0
"""The broker as a child process: how it ends, how it comes back, and what it does without descriptors.

Run by Scripts/tests/40-serve.sh. What it makes of its arguments is tested by Scripts/tests/10-command-line.sh.
"""

import contextlib
import json
import select
import signal
import socket
import subprocess
import tempfile
import time

from broker import Broker, Checks, binary, request, wait_until
from polls import HeldPolls

HANDSHAKE = [{"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}]
check = Checks()


def refused(*options, **environment):
    """Starts a broker that must not start: exit code and standard error."""
    ended = subprocess.run(
        [binary(), "serve", "--port", "0", "--admin-port", "0", *options], stdin=subprocess.DEVNULL,
        capture_output=True, timeout=20, env=environment or None, text=True)
    return ended.returncode, ended.stderr, ended.stdout


def starting():
    with Broker() as broker:
        check("two lines come through a pipe at once", len(broker.lines) == 2, broker.lines)
        status, reply = request(broker.address, "POST", "/genesys/cometd", HANDSHAKE)
        check("and the public listener accepts", status == 200 and json.loads(reply)[0]["successful"], reply)
        status, reply = request(broker.admin, "GET", "/readyz")
        check("and the admin listener", (status, reply) == (200, '{"status":"ready"}'), reply)

        status, error, output = refused("--port", str(broker.port))
        check("a second broker on the port ends with 1", status == 1, status)
        errors = [line for line in error.splitlines() if line.startswith("error: ")]
        check("naming the address in one line", len(errors) == 1 and broker.address in errors[0], error)
        check("and nothing on standard output", output == "", output)


def wrong_settings():
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write('{\n  "server": { "port": 0 },\n  "bayeux": { "timout": 1000 }\n}\n')
        file.flush()
        status, error, _ = refused("--config", file.name)
    check("an unknown key in the file ends with 2", status == 2, status)
    expected = f'{file.name}:3: unknown key "bayeux.timout"; did you mean "bayeux.timeout"?\n'
    check("naming file, line, key and nearest key", error == expected, error)
    status, error, _ = refused("--timeout", "5")
    check("an unknown option ends with 2", status == 2, status)
    check("naming it", "Unknown option '--timeout'" in error, error)
    status, error, _ = refused(ADMIN_HOST="0.0.0.0")
    check("an admin listener for others without token ends with 2", status == 2, status)
    check("naming setting and address", '"admin.token" must be set' in error and "0.0.0.0" in error, error)


def graceful_end():
    with Broker() as broker:
        polls = HeldPolls(broker.address, 200, has_users=True)
        held = broker.metrics()["broker_connects_held"]
        check("200 polls are held", held == 200, held)
        broker.process.send_signal(signal.SIGTERM)
        start = time.monotonic()
        answers = polls.answers(5)
        wrong = [answer for answer in answers if not answer or answer[0] != 200 or not answer[1][-1]["successful"]]
        check("SIGTERM answers them all with 200", not wrong, wrong[:3])
        advice = {answer[1][-1]["advice"]["reconnect"] for answer in answers if answer and answer[0] == 200}
        check("telling the clients to come again", advice == {"retry"}, advice)
        try:
            status = broker.process.wait(8)
        except subprocess.TimeoutExpired:
            status = None
        seconds = time.monotonic() - start
        check("and the process ends with 0", status == 0, status)
        check(f"within 5 s ({seconds:.1f} s)", seconds < 5, seconds)
        polls.close()


def sudden_end():
    with Broker() as broker:
        polls = HeldPolls(broker.address, 20)
        status, _ = broker.end(signal.SIGKILL)
        check("kill -9 ends it", status == -signal.SIGKILL, status)
        try:
            with Broker(port=broker.port, admin_port=broker.admin_port) as again:
                check("both ports can be taken again at once", again.address == broker.address)
                status, reply = request(again.address, "POST", "/genesys/cometd", HANDSHAKE)
                check("and are served", status == 200, reply)
        except RuntimeError as error:
            check("both ports can be taken again at once", False, error)
        polls.close()


def ask(clients):
    """Sends a handshake on each connection."""
    body = json.dumps(HANDSHAKE).encode()
    for client in clients:
        with contextlib.suppress(ConnectionError):
            client.sendall(
                b"POST /genesys/cometd HTTP/1.1\r\nHost: b\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def answered(clients, seconds, closing=False):
    """Those of the connections on which an answer comes, until none has come for so long; `closing` closes them."""
    waiting = set(clients)
    found = []
    while waiting:
        readable, _, _ = select.select(waiting, [], [], seconds)
        if not readable:
            break
        for client in readable:
            waiting.remove(client)
            with contextlib.suppress(ConnectionError):
                if client.recv(4096).startswith(b"HTTP/1.1 200 "):
                    found.append(client)
                    if closing:
                        client.close()
    return found


def is_served(address):
    """Whether a request to the admin listener is answered."""
    try:
        return request(address, "GET", "/healthz")[0] == 200
    except OSError:
        return False


def few_descriptors():
    with Broker("--shards", "2", max_descriptors=256) as broker:
        clients = [socket.create_connection(("127.0.0.1", broker.port), timeout=5) for _ in range(400)]
        check("400 clients connect to a broker of 256 descriptors",
              wait_until(lambda: broker.descriptors() >= 180, 5), broker.descriptors())
        before = broker.cpu_seconds()
        time.sleep(2)
        percent = (broker.cpu_seconds() - before) / 2 * 100
        check(f"accepting pauses without spinning ({percent:.1f} % of a core over 2 s)", percent < 20)
        log = broker.log_text()
        check("the log says so", "accepting pauses until a descriptor is free" in log, log)
        check("in few lines", len(log.splitlines()) < 20, log)
        # libdispatch, on which Swift's tasks run, ends a process in which it cannot open a file.
        check("a few descriptors stay free for the process itself", broker.descriptors() < 250, broker.descriptors())
        check("and for the admin listener", is_served(broker.admin))

        ask(clients)
        served = answered(clients, 1)
        check(f"those that got in are served ({len(served)})", 150 <= len(served) < 256, len(served))
        for client in served:
            client.close()
        waiting = [client for client in clients if client not in served]
        late = answered(waiting, 3, closing=True)
        check("the others are served when descriptors are free again", len(late) == len(waiting),
              f"{len(late)} of {len(waiting)}")
        for client in waiting:
            client.close()
        if check("the broker has lived through it", broker.process.poll() is None, broker.log_text()):
            exhausted = broker.metrics()['broker_http_rejects_total{cause="no_descriptors"}']
            check("what happened is counted", exhausted > 0, exhausted)


def main():
    starting()
    wrong_settings()
    graceful_end()
    sudden_end()
    few_descriptors()
    check.finish()


main()
