# SPDX-License-Identifier: Apache-2.0
"""aiocometd, a Bayeux client by others, against the broker. Run by Scripts/tests/10-aiocometd.sh."""

import asyncio
import logging
import time
import warnings

import aiocometd_shim
from aiocometd import AuthExtension, Client, ConnectionType, Extension
from aiocometd.exceptions import ServerError
from broker import Broker, Checks

HELD_POLL_SECONDS = 1.2
check = Checks()


class User(AuthExtension):
    """Sends the header that names the user with every request."""

    def __init__(self, name):
        self.name = name

    async def outgoing(self, payload, headers):
        headers["gms_user"] = self.name

    async def incoming(self, payload, headers=None):
        pass


class Connects(Extension):
    """Notes every /meta/connect: how long it took, and with what it was answered."""

    def __init__(self):
        self.sent = {}
        self.answered = []

    async def outgoing(self, payload, headers):
        for message in payload:
            if message["channel"] == "/meta/connect":
                self.sent[message["id"]] = time.monotonic()

    async def incoming(self, payload, headers=None):
        for message in payload:
            if message["channel"] == "/meta/connect":
                seconds = time.monotonic() - self.sent.pop(message["id"])
                self.answered.append((seconds, len(payload) - 1, message))


def client(broker, user=None, extensions=None):
    return Client(
        f"http://{broker.address}/genesys/cometd", ConnectionType.LONG_POLLING, connection_timeout=20,
        auth=User(user) if user else None, extensions=extensions)


async def receive(session, seconds=5):
    """The next event; None where none comes."""
    try:
        return await asyncio.wait_for(session.receive(), seconds)
    except asyncio.TimeoutError:
        return None


async def settled(condition, seconds=10):
    """Waits until `condition` holds, and says whether it does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.05)
    return True


async def refused(attempt):
    """The error field of the reply; None where there was none."""
    try:
        await attempt
        return None
    except ServerError as error:
        return error.error


async def conversation(broker):
    alice = client(broker, "alice")
    await alice.open()
    check("handshake and first connect succeed", not alice.closed)
    check("long-polling is negotiated", alice.connection_type == ConnectionType.LONG_POLLING, alice.connection_type)

    await alice.subscribe("/news")
    await alice.subscribe("/_genesys")
    check("subscriptions are confirmed", alice.subscriptions == {"/news", "/_genesys"}, alice.subscriptions)

    reply = broker.publish(channel="/news", data={"number": 1})
    check("a publish of the server reaches one session", reply == {"sessions": 1}, reply)
    event = await receive(alice)
    check("which receives it", event == {"channel": "/news", "data": {"number": 1}}, event)

    reply = broker.publish(user="alice", tag="test.tag", message={"text": "for alice"})
    event = await receive(alice)
    expected = {"channel": "/_genesys", "data": {
        "id": reply["id"], "message": {"text": "for alice"}, "tag": "test.tag"}}
    check("an event for the user comes on /_genesys", event == expected, event)

    reply = await alice.publish("/news", {"number": 2})
    check("a publish of the client is confirmed", reply["successful"] and "data" not in reply, reply)
    event = await receive(alice)
    check("and comes back to the subscriber", event == {"channel": "/news", "data": {"number": 2}}, event)

    error = await refused(alice.publish("/_genesys", {"forged": True}))
    check("a client may not publish to /_genesys", (error or "").startswith("403:"), error)

    await alice.unsubscribe("/news")
    broker.publish(channel="/news", data={"number": 3})
    broker.publish(user="alice", tag="test.tag", message="after")
    event = await receive(alice)
    check("nothing comes from a channel that was unsubscribed", event["channel"] == "/_genesys", event)

    before = broker.metrics()
    await alice.close()
    after = broker.metrics()
    check("disconnect ends the session", after["broker_sessions"] == before["broker_sessions"] - 1, after)
    check("and is counted", after['broker_messages_in_total{kind="disconnect"}'] == 1, after)


async def two_users(broker):
    async with client(broker, "alice") as alice, client(broker, "bob") as bob, client(broker) as nobody:
        await alice.subscribe("/_genesys")
        await bob.subscribe("/_genesys")
        await bob.subscribe("/**")
        error = await refused(nobody.subscribe("/_genesys"))
        check("/_genesys is refused to a session without user", error == "403:/_genesys:gms_user required", error)

        for number in range(20):
            broker.publish(user="alice", tag="t", message={"for": "alice", "number": number})
            broker.publish(user="bob", tag="t", message={"for": "bob", "number": number})
        for name, session in (("alice", alice), ("bob", bob)):
            messages = [(await receive(session))["data"]["message"] for _ in range(20)]
            expected = [{"for": name, "number": number} for number in range(20)]
            check(f"{name} receives the events of {name} alone, once and in order", messages == expected, messages)
            check(f"and nothing more ({name})", session.pending_count == 0, session.pending_count)


async def held_poll(broker):
    connects = Connects()
    async with client(broker, "carol", [connects]) as carol:
        await carol.subscribe("/_genesys")
        await settled(lambda: len(connects.answered) >= 4)
        first, *later = connects.answered
        timeout = first[2]["advice"]["timeout"]
        check("the first connect returns at once", first[0] < 0.5, first)
        check("advising the configured timeout", timeout == int(HELD_POLL_SECONDS * 1000), first)
        waits = [seconds for seconds, events, message in later]
        check("a connect without event is held", min(waits) > HELD_POLL_SECONDS * 0.8, waits)
        check("and answered before the advised timeout", max(waits) < timeout / 1000, waits)
        check("with success and no event",
              all(message["successful"] and events == 0 for _, events, message in later), later)
        broker.publish(user="carol", tag="t", message="still there")
        event = await receive(carol)
        check("after which events arrive as before", event["data"]["message"] == "still there", event)


async def away(broker):
    reply = broker.publish(user="dave", tag="t", message="kept")
    check("an event for a user who is away reaches no session", reply["sessions"] == 0, reply)
    async with client(broker, "dave") as dave:
        await dave.subscribe("/_genesys")
        event = await receive(dave)
        check("it is handed over after the next subscribe", event and event["data"]["id"] == reply["id"], event)
    async with client(broker, "dave") as dave:
        await dave.subscribe("/_genesys")
        broker.publish(user="dave", tag="t", message="later")
        event = await receive(dave)
        check("and only once", event["data"]["message"] == "later", event)


async def restart(broker, how, environment):
    """Returns the broker that was started in place of the other."""
    async with client(broker, "erin") as erin:
        await erin.subscribe("/_genesys")
        await erin.subscribe("/news")
        if how == "SIGTERM":
            status, _ = await asyncio.to_thread(broker.end)
            check("SIGTERM ends the broker with 0", status == 0, status)
        ports = (broker.port, broker.admin_port)
        broker.close()
        broker = Broker(port=ports[0], admin_port=ports[1], environment=environment)
        back = await settled(lambda: broker.metrics()["broker_channels"] == 1, 20)
        check(f"after {how} and a restart on the same port the client handshakes and subscribes anew", back)
        broker.publish(channel="/news", data=how)
        broker.publish(user="erin", tag="t", message=how)
        events = [await receive(erin), await receive(erin)]
        check("and receives again", [event["channel"] for event in events] == ["/news", "/_genesys"], events)
    return broker


async def main():
    environment = {"BAYEUX_TIMEOUT": str(int(HELD_POLL_SECONDS * 1000))}
    broker = Broker("--shards", "2", environment=environment)
    try:
        await conversation(broker)
        await two_users(broker)
        await held_poll(broker)
        await away(broker)
        broker = await restart(broker, "SIGTERM", environment)
        broker = await restart(broker, "SIGKILL", environment)
        imbalance = broker.metrics()["broker_ledger_imbalance"]
        check("the broker's books balance", imbalance == 0, imbalance)
    finally:
        broker.close()
    check.finish()


# The client warns of each connect that fails while the broker is down.
logging.getLogger("aiocometd").setLevel(logging.ERROR)
# It gives aiohttp timeouts as numbers, as one did in 2019.
warnings.simplefilter("ignore", DeprecationWarning)
aiocometd_shim.apply()
asyncio.run(main())
