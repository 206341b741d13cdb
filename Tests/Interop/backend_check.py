# SPDX-License-Identifier: Apache-2.0
"""The broker with Docs/Examples/backend.py behind it: whole chats over comet, with either of them killed on the way.

Run by Scripts/tests/70-backend.sh. The first part stands between the two and holds every exchange against
Docs/Examples/openapi-backend.yaml; the last one runs the dialogue of Docs/Backend.md.
"""

import contextlib
import http.client
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from broker import ROOT, Broker, Checks, request, wait_until
from openapi import Document

SECRET = "0123456789abcdef-example"
EXAMPLE = os.path.join(ROOT, "Docs", "Examples", "backend.py")
JSON = {"Content-Type": "application/json"}
check = Checks()


def free_port():
    """A port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Backend:
    """Docs/Examples/backend.py as a child process."""

    def __init__(self, port, broker, state, cwd=None):
        self.arguments = [sys.executable, "-B", EXAMPLE, "--broker", f"http://{broker}", "--port", str(port)]
        self.arguments += ["--state", state] if state else []
        self.cwd = cwd
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            self.arguments, cwd=self.cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "CHAT_SECRET": SECRET})
        line = self.process.stdout.readline().decode()
        if not line.startswith("listening on http://"):
            raise RuntimeError(f"the backend did not start: {line}")
        # What it says of the presence of customers must not fill the pipe.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def kill(self):
        self.process.kill()
        self.process.wait()


class Recorder(threading.Thread):
    """An HTTP server that passes every request on to `target` and keeps what was said."""

    def __init__(self):
        super().__init__(daemon=True)
        self.target = None
        self.exchanges = []
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                onward = http.client.HTTPConnection(recorder.target, timeout=20)
                with contextlib.closing(onward):
                    fields = {name: value for name, value in headers.items() if name not in ("host", "content-length")}
                    onward.request(self.command, self.path, body or None, fields)
                    response = onward.getresponse()
                    status, answer = response.status, response.read()
                recorder.exchanges.append((self.command, self.path, headers, body, status, answer))
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_PUT = do_POST = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        self.start()

    def run(self):
        self.server.serve_forever()


class Comet(threading.Thread):
    """A user's Bayeux session that holds connects; handshakes again when the broker forgot it."""

    def __init__(self, address, user):
        super().__init__(daemon=True)
        self.address = address
        self.user = user
        self.client = None
        self.events = []
        self.polls = 0
        self.is_over = False
        self.handshake()
        self.start()

    def say(self, message, timeout=40):
        connection = http.client.HTTPConnection(self.address, timeout=timeout)
        with contextlib.closing(connection):
            connection.request("POST", "/genesys/cometd", json.dumps([message]), {**JSON, "gms_user": self.user})
            return json.loads(connection.getresponse().read())

    def handshake(self):
        reply = self.say({"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]})
        self.client = reply[0]["clientId"]
        self.take(self.say({"channel": "/meta/subscribe", "clientId": self.client, "subscription": "/_genesys"}))

    def take(self, messages):
        self.events += [message["data"] for message in messages if message["channel"] == "/_genesys"]

    def run(self):
        while not self.is_over:
            try:
                messages = self.say({"channel": "/meta/connect", "clientId": self.client,
                                     "connectionType": "long-polling"})
                self.take(messages)
                self.polls += 1
                if messages[-1].get("advice", {}).get("reconnect") == "handshake":
                    self.handshake()
            except (OSError, http.client.HTTPException, ValueError, LookupError):
                time.sleep(0.05)

    def entries(self, service):
        """Position, kind and text of what came for the chat of a service."""
        found = []
        for event in list(self.events):
            if event["tag"] != f"service.chat.refresh.{service}":
                continue
            message = event["message"]
            first = int(message["transcriptPosition"]) - len(message["transcriptToShow"]) + 1
            for number, (kind, _, text, _, _) in enumerate(message["transcriptToShow"]):
                found.append((first + number, kind, text))
        return found

    def texts(self, service):
        return [text for _, kind, text in self.entries(service) if kind == "Message.Text"]

    def has_ended(self, service):
        return any(event["message"].get("chatIxnState") == "DISCONNECTED" for event in list(self.events)
                   if event["tag"] == f"service.chat.refresh.{service}")


class Customer:
    """The chat API as one user."""

    def __init__(self, address, user):
        self.address = address
        self.headers = {**JSON, "gms_user": user}

    def post(self, path, body=None, method="POST"):
        status, text = request(self.address, method, f"/genesys/1/service/{path}", body or {}, self.headers)
        return status, json.loads(text) if text.startswith("{") else text

    def open(self, name="request-chat", **fields):
        service = self.post(name, {"usr_order": "4711"})[1]["_id"]
        status, reply = self.post(f"{service}/ixn/chat", {"notify_by": "comet", "firstName": "Buzz", **fields})
        return service, status, reply


def settings(port, **more):
    return {"CHAT_BACKEND": "remote", "CHAT_REMOTE_URL": f"http://127.0.0.1:{port}", "CHAT_REMOTE_SECRET": SECRET, **more}


def tell(admin, *events, secret=SECRET):
    """What the backend would post."""
    status, text = request(
        admin, "POST", "/backend/events", {"events": list(events)}, {**JSON, "X-Backend-Secret": secret})
    return status, json.loads(text)


def is_seamless(entries):
    """Whether every position from 2 on came once, in order."""
    return [position for position, _, _ in entries] == list(range(2, len(entries) + 2))


# A service whose routing has everything that can be told of it.
AWAY = "The customer left the app"
SERVICES = {"services": {"request-chat": {"_agent_timeout_notification_message": AWAY}, "billing": {
    "_type": "ors", "_wait_for_agent": True,
    "_target": [
        {"target": "?:English=20@StatServer.GA", "timeout": "5", "stat_to_check": "RStatAgentsReady",
         "stat_operator": "<", "stat_value": "1"},
        {"target": "Billing@StatServer.GA"}]}}}


def described(directory):
    """Every exchange between broker and backend is as the OpenAPI file says, and all that it says occurs."""
    to_backend, to_broker = Recorder(), Recorder()
    config = os.path.join(directory, "described.json")
    with open(config, "w", encoding="utf-8") as file:
        json.dump(SERVICES, file)
    port = to_backend.server.server_port
    with Broker("--config", config, environment=settings(port, CHAT_REMOTE_KEEP_ALIVE="300")) as broker:
        to_broker.target = broker.admin
        backend_port = free_port()
        to_backend.target = f"127.0.0.1:{backend_port}"
        backend = Backend(backend_port, to_broker.address, ":memory:")
        try:
            comet, customer = Comet(broker.address, "buzz"), Customer(broker.address, "buzz")
            service, status, reply = customer.open(message="I come with a question")
            check("a chat is opened through another process", status == 200 and reply["chatIxnState"] == "CONNECTED", reply)
            greeted = wait_until(lambda: len(comet.entries(service)) == 3, 10)
            check("its first message comes first, then its agent", greeted and is_seamless(comet.entries(service))
                  and comet.texts(service)[0] == "I come with a question", comet.entries(service))
            status, reply = customer.post(f"{service}/ixn/chat/send", {"message": "hello"})
            check("a message is answered with its position", status == 200 and int(reply["transcriptPosition"]) >= 5, reply)
            customer.post(f"{service}/ixn/chat/startTyping")
            customer.post(f"{service}/ixn/chat/stopTyping")
            answered = wait_until(lambda: "You said: hello" in comet.texts(service), 10)
            check("and by the agent", answered, comet.texts(service))

            session = reply["chatSessionId"]
            event = {"type": "entries", "id": "check-1", "serviceId": service, "chatSessionId": session,
                     "entries": [{"type": "Message.Text", "nickname": "Ada", "text": "told twice", "party": "AGENT"}]}
            first, again = tell(to_broker.address, event), tell(to_broker.address, event)
            check("an event that is told twice has one place", first == again and first[0] == 200
                  and first[1]["results"][0]["accepted"], (first, again))
            server = {"host": "10.0.0.1", "port": 8080, "tls": True, "alias": "2"}
            tell(to_broker.address, {
                "type": "relocated", "id": "check-2", "serviceId": service, "chatSessionId": session, "time": 1,
                "cause": "nobody's", "server": server})
            verbose = customer.post(f"{service}/ixn/chat/refresh", {"_verbose": "true"})[1]
            check("a chat can move to another server", verbose["chatServerHost"] == "10.0.0.1", verbose)
            status, reply = tell(to_broker.address, {**event, "chatSessionId": "another"})
            check("an event of no chat is refused for good",
                  status == 200 and reply["results"][0]["error"] == "noSuchChat", reply)
            status, reply = tell(to_broker.address, {"type": "ended", "id": "check-3", "serviceId": service}, event)
            results = reply["results"]
            check("a wrong event says what is wrong, beside a right one", status == 200 and results[0]["error"] == "bad"
                  and "events[0].chatSessionId" in results[0]["message"] and results[1]["accepted"], reply)
            check("a batch without events is refused", tell(to_broker.address)[0] == 400)
            other, _, opened = customer.open()
            bounded(broker.admin, other, opened["chatSessionId"])
            check("a wrong secret opens nothing", tell(to_broker.address, event, secret="x" * 24)[0] == 401)

            # What no call of the chat API leads to.
            status, _ = request(
                to_backend.address, "POST", f"/services/{service}/push-url",
                {"call": "check-push-url", "url": "https://example.com/"},
                {**JSON, "X-Backend-Secret": SECRET, "Idempotency-Key": "check-push-url"})
            check("push-url is taken", status == 200, status)

            leaving = Comet(broker.address, "rex")
            left, _, _ = Customer(broker.address, "rex").open()
            check("a second customer is there", wait_until(lambda: len(leaving.entries(left)) == 2, 10))
            leaving.is_over = True
            leaving.say({"channel": "/meta/disconnect", "clientId": leaving.client})
            noticed = wait_until(lambda: any(
                path.endswith(f"{left}/notice") and json.loads(body)["text"] == AWAY and status == 200
                for _, path, _, body, status, _ in list(to_backend.exchanges)), 10)
            check("a customer's app that goes away leaves its notice", noticed)
            shown = Customer(broker.address, "rex").post(f"{left}/ixn/chat/refresh", {"transcriptPosition": "1"})[1]
            check("and the notice has its place", ["Notice.Custom", AWAY] == [
                shown["transcriptToShow"][-1][0], shown["transcriptToShow"][-1][2]], shown)

            waiting = customer.post("callback/billing", {"_customer_number": "5115"})[1]["_id"]
            announced = wait_until(lambda: any(waiting in event["tag"] for event in comet.events), 10)
            check("availability is told and pushed", announced, comet.events[-2:])
            status = customer.post(f"{waiting}/status")[1]
            check("and asked for", status["message"]["_status"] == "available", status)
            place = customer.post(f"{waiting}/check-queue-position")[1]
            check("and so is the place in the queue", place["_agent_ready_threshold_passed"] is True, place)
            gone = customer.post(f"callback/billing/{waiting}", method="DELETE")
            check("a service is cancelled", gone[0] == 200, gone)

            status, reply = customer.post(f"{service}/ixn/chat/send", {"message": "bye"})
            ended = wait_until(lambda: comet.has_ended(service), 10)
            check("the agent ends the chat", status == 200 and ended, comet.events[-1:])
            check("each entry came once, in order", is_seamless(comet.entries(service)), comet.entries(service))
            other, _, _ = customer.open()
            kept = wait_until(lambda: any("keep-alive" in exchange[1] for exchange in list(to_backend.exchanges)), 10)
            check("the backend hears that the customer is still there", kept)
            customer.post(f"{other}/ixn/chat/disconnect")
            check("the customer ends a chat", wait_until(lambda: comet.has_ended(other), 10), comet.events[-1:])
            request(to_backend.address, "GET", "/services/unknown/availability", None, {"X-Backend-Secret": SECRET})
            comet.is_over = True
        finally:
            backend.kill()
    hold_against_file(to_backend.exchanges + to_broker.exchanges)


def openapi():
    with open(os.path.join(ROOT, "Docs", "Examples", "openapi-backend.yaml"), encoding="utf-8") as file:
        return Document(file.read())


def bounded(admin, service, session):
    """The limits of the file are those of the broker: what one refuses the other does."""
    document, count = openapi(), 0
    entry = {"type": "Message.Text", "nickname": "Ada", "text": "x", "party": "AGENT"}
    chat = {"id": "bound", "serviceId": service, "chatSessionId": session}
    said = {"type": "entries", **chat, "entries": [entry]}
    moved = {"type": "relocated", **chat}
    variants = [{**said, name: value} for name in ("id", "serviceId", "chatSessionId")
                for value in ("", "a b", "\u00e4", "x" * 128, "x" * 129, 7)]
    variants += [{**said, "entries": [entry] * number} for number in (0, 1, 32, 33)]
    variants += [{"type": "ended", **chat, "chatSessionId": "none", "entries": [entry] * number} for number in (0, 32, 33)]
    variants += [{**said, "cause": value} for value in ("", "a b", "x" * 128, "x" * 129)]
    variants += [{**said, "time": value} for value in (-1, 0, "0")]
    variants += [{**said, "entries": [{**entry, "nickname": value}]}
                 for value in ("", "x" * 128, "x" * 129, "\u00e4" * 64, "\u00e4" * 65)]
    variants += [{**said, "entries": [{**entry, "text": value}]} for value in ("", "x" * 32_768, "x" * 32_769)]
    variants += [{**said, "entries": [{**entry, "type": value}]} for value in ("Notice.Custom", "Message")]
    variants += [{**moved, "server": {"host": "h", "port": value}} for value in (0, 1, 65_535, 65_536)]
    variants += [{**moved, "server": {"host": value, "port": 1, "alias": alias}}
                 for value, alias in (("", "1"), ("h", ""), ("x" * 128, "x" * 128), ("x" * 129, "1"), ("h", "x" * 129))]
    different = []
    for event in variants:
        # Each is another event, lest one is recognised instead of looked at.
        count += 1
        event = {**event, "id": f"bound-{count}"} if event["id"] == "bound" else event
        result = tell(admin, event)[1]["results"][0]
        if (result.get("error") == "bad") != bool(document.check({"$ref": "#/components/schemas/Event"}, event, "event")):
            different.append((str(event)[:200], result))
    check(f"the limits of openapi-backend.yaml are those of the broker, in {count} events", not different, different)


def hold_against_file(exchanges):
    document = openapi()
    for method, path, headers, body, status, answer in exchanges:
        if "x" * 24 in headers.get("x-backend-secret", ""):
            continue
        document.exchange(
            method, path, headers, json.loads(body) if body else None, status, json.loads(answer) if answer else None)
    # One event and one batch were meant to be wrong, which proves besides that the file tells right from wrong.
    meant = [problem for problem in document.problems if "request.events[0]: fits 0 of 4 schemas" in problem
             or "request.events: 0 is less than 1" in problem]
    check(f"{len(exchanges)} exchanges are as openapi-backend.yaml says", len(exchanges) > 30
          and len(meant) == 2 and meant == document.problems, document.problems)
    check("and nothing in it never occurs", not document.unseen(), document.unseen())


def killed(directory):
    """Backend and broker are killed and started again in the middle of a chat."""
    port, data = free_port(), os.path.join(directory, "data")
    environment = settings(port)
    state = os.path.join(directory, "backend.db")
    broker = Broker("--data", data, environment=environment)
    backend = Backend(port, broker.admin, state)
    try:
        comet, customer = Comet(broker.address, "woody"), Customer(broker.address, "woody")
        service, _, _ = customer.open()
        customer.post(f"{service}/ixn/chat/send", {"message": "one"})
        check("a chat is under way", wait_until(lambda: "You said: one" in comet.texts(service), 10))

        polls = comet.polls
        backend.kill()
        status, reply = customer.post(f"{service}/ixn/chat/send", {"message": "lost"})
        check("while the backend is down a call is refused clearly",
              status == 500 and reply["message"] == "the chat server cannot be reached", (status, reply))
        check("a refresh is answered", customer.post(f"{service}/ixn/chat/refresh")[0] == 200)
        check("held polls live on", comet.polls == polls and broker.metrics()["broker_connects_held"] == 1, comet.polls)
        check("and bring what else there is", broker.publish(user="woody", tag="t", message={})["sessions"] == 1
              and wait_until(lambda: comet.events[-1]["tag"] == "t", 10), comet.events[-1:])
        check("the metrics say so", broker.metrics()["broker_backend_up"] == 0)
        backend.start()
        status, _ = customer.post(f"{service}/ixn/chat/send", {"message": "two"})
        check("once it is back the chat goes on", status == 200 and wait_until(
            lambda: "You said: two" in comet.texts(service), 10), comet.texts(service))
        check("the metrics say so", broker.metrics()["broker_backend_up"] == 1)

        # The broker dies with what the agent says on its way; the backend tells it again.
        ports = {"port": broker.port, "admin_port": broker.admin_port}
        customer.post(f"{service}/ixn/chat/send", {"message": "three"})
        broker.end(signal.SIGKILL)
        broker.close()
        broker = Broker("--data", data, environment=environment, **ports)
        check("a killed broker takes the chat up again", wait_until(
            lambda: "You said: three" in comet.texts(service), 20), comet.texts(service))
        status, _ = customer.post(f"{service}/ixn/chat/send", {"message": "bye"})
        check("and the chat comes to its end", status == 200 and wait_until(lambda: comet.has_ended(service), 10), status)
        entries = comet.entries(service)
        # A kill may make what was being delivered come twice, with the same position.
        once = sorted(set(entries))
        check("each entry stands in one place, none is missing", is_seamless(once), entries)
        check("nothing was said twice", len(set(comet.texts(service))) == len([e for e in once if e[1] == "Message.Text"]),
              once)
        check("what was refused was not said", "lost" not in comet.texts(service))
        comet.is_over = True
    finally:
        backend.kill()
        broker.close()


class StrictBroker(threading.Thread):
    """A broker's place for events that refuses large batches and odd ones, and keeps what it accepted."""

    MOST_BYTES = 4_000

    def __init__(self):
        super().__init__(daemon=True)
        # By id: as a broker does, it knows an event that comes again after the backend was killed.
        self.accepted, self.statuses, self.postponed = {}, [], set()
        broker = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = broker.take(body)
                broker.statuses.append(status)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        self.start()

    def run(self):
        self.server.serve_forever()

    def take(self, body):
        if len(body) > self.MOST_BYTES:
            return 413, {"exception": "x", "message": "too large"}
        events = json.loads(body)["events"]
        if "poison" in body.decode():
            return 400, {"exception": "x", "message": "poison"}
        results = []
        for event in events:
            is_postponed = event["serviceId"] in self.postponed
            is_bad = any(entry.get("text", "").endswith("bad") for entry in event["entries"])
            if is_bad:
                results.append({"id": event["id"], "accepted": False, "error": "bad", "retry": False, "message": "bad"})
            elif is_postponed:
                results.append({"id": event["id"], "accepted": False, "error": "overdue", "retry": True})
            else:
                self.accepted.setdefault(event["id"], event)
                results.append({"id": event["id"], "accepted": True, "position": 2})
        return (503 if any(result.get("retry") for result in results) else 200), {"results": results}

    def texts(self, service):
        """What its customer said, as far as it was accepted."""
        return [entry["text"] for event in self.accepted.values() if event["serviceId"] == service
                for entry in event["entries"] if entry["party"] == "CLIENT"]


def refused(directory):
    """What a broker does not take holds up nobody; what the example backend knows outlives it."""
    broker = StrictBroker()
    port = free_port()
    backend = Backend(port, broker.address, None, cwd=directory)
    address = f"127.0.0.1:{port}"

    def call(service, verb, body, method="POST", key=None):
        body = body if body is None else {"call": key or os.urandom(8).hex(), **body}
        headers = {**JSON, "X-Backend-Secret": SECRET, "Idempotency-Key": body["call"] if body else os.urandom(8).hex()}
        status, text = request(address, method, f"/services/{service}{verb and '/' + verb}", body, headers)
        return status, json.loads(text)

    opening = {"endpoint": "e", "nickname": "Buzz", "subject": "s", "data": {}, "timeZoneOffset": 0}
    try:
        check("no chat of a service that nobody told of",
              call("a", "chat", opening, key="first") == (404, {"error": "notFound"}))
        service = {"name": "n", "ttl": 60, "data": {}, "routing": {}}
        for name in ("a", "b"):
            call(name, "", service, method="PUT")
        status, chat = call("a", "chat", {**opening, "firstMessage": "first"}, key="first")
        check("told of it, the same call opens it", status == 200 and chat["server"]["port"] == port, (status, chat))
        call("a", "chat", {**opening, "firstMessage": "first"}, key="first")
        again = call("a", "chat", {**opening, "firstMessage": "second"})[1]
        check("opened again it is the same chat", again == chat, again)
        call("b", "chat", opening)
        check("a message of another opening is one more",
              wait_until(lambda: broker.texts("a") == ["first", "second"], 10), broker.texts("a"))

        broker.postponed = {"a", "b"}
        said = []
        for number in range(12):
            text = {5: "poison", 7: "bad", 9: "x" * 5_000}.get(number, f"{number} " + "y" * 900)
            call("b", "send", {"text": text})
            said += [text] if number not in (5, 7, 9) else []
        call("a", "send", {"text": "waits"})
        broker.postponed = {"a"}
        check("what is too large or odd is set aside, all else is told in order",
              wait_until(lambda: broker.texts("b") == said, 20), [text[:10] for text in broker.texts("b")])
        check("both were refused on the way", {400, 413} <= set(broker.statuses), set(broker.statuses))
        check("one chat waits without holding up the other", broker.texts("a") == ["first", "second"])
        backend.kill()
        backend.start()
        broker.postponed = set()
        check("and is told in the end", wait_until(lambda: broker.texts("a")[2:] == ["waits"], 10), broker.texts("a"))
        check("the chats outlive the backend", call("a", "chat", opening)[1] == chat)
    finally:
        backend.kill()
        broker.server.shutdown()


def large():
    """The admin listener takes 16 MiB, and says so of more before it has come."""
    with Broker(environment=settings(free_port())) as broker:
        statuses = []
        for length in (16 << 20, (16 << 20) + 1):
            with contextlib.closing(http.client.HTTPConnection(broker.admin, timeout=10)) as connection:
                connection.putrequest("POST", "/backend/events")
                for name, value in {**JSON, "X-Backend-Secret": SECRET, "Content-Length": str(length)}.items():
                    connection.putheader(name, value)
                connection.endheaders()
                if length == 16 << 20:
                    connection.send(b'{"events":[]}'.ljust(length))
                statuses.append(connection.getresponse().status)
        check("16 MiB are read, more is 413", statuses == [400, 413], statuses)


def documented(directory):
    """The dialogue of Docs/Backend.md."""
    with open(os.path.join(ROOT, "Docs", "Backend.md"), encoding="utf-8") as file:
        blocks = re.findall(r"(?ms)^```(sh|text)\n(.*?)^```$", file.read())
    port = free_port()
    with Broker(environment=settings(port)) as broker:
        backend = Backend(port, broker.admin, ":memory:")
        names = {"127.0.0.1:8080": broker.address, "127.0.0.1:8081": broker.admin, "127.0.0.1:9090": f"127.0.0.1:{port}",
                 "$CHAT_SECRET": SECRET}
        shell = subprocess.Popen(
            ["sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=directory)
        try:
            for number, (kind, commands) in enumerate(blocks):
                if kind != "sh":
                    continue
                for name, value in names.items():
                    commands = commands.replace(name, value)
                shell.stdin.write(commands + "\necho '-- end --'\n")
                shell.stdin.flush()
                printed = "".join(iter(shell.stdout.readline, "-- end --\n"))
                expected = blocks[number + 1][1] if number + 1 < len(blocks) and blocks[number + 1][0] == "text" else ""
                check(f"Docs/Backend.md: {commands.strip().splitlines()[-1][:80]}", plain(printed) == plain(expected),
                      printed)
        finally:
            shell.kill()
            shell.wait()
            backend.kill()


def plain(text):
    """Without what differs from run to run."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", "<service>", text)
    text = re.sub(r'("(?:chatSessionId|userId|secureKey)": ?)"[0-9A-Za-z]{16}"', r'\1"<key>"', text)
    text = re.sub(r'("startedAt": ?)(\d+|"[^"]+")', r"\1<time>", text)
    return re.sub(r'"\d+","(AGENT|CLIENT)"\]', r'"<seconds>","\1"]', text)


def main():
    signal.alarm(300)
    with tempfile.TemporaryDirectory() as directory:
        described(directory)
        killed(directory)
        refused(directory)
        large()
        documented(directory)
    check.finish()


main()
