# SPDX-License-Identifier: Apache-2.0
"""aiocometd as one of the clients of interop_check.py, which tells what they say and are told."""

import asyncio
import logging
import sys
import warnings

import aiocometd_shim
from aiocometd import AuthExtension, Client, ConnectionType, Extension


class User(AuthExtension):
    """Names the user."""

    def __init__(self, name):
        self.name = name

    async def outgoing(self, payload, headers):
        headers["gms_user"] = self.name

    async def incoming(self, payload, headers=None):
        pass


class Acknowledge(Extension):
    """CometD's acknowledge extension, from the client's side."""

    def __init__(self):
        self.batch = 0

    async def outgoing(self, payload, headers):
        for message in payload:
            if message["channel"] == "/meta/handshake":
                self.batch = 0
                message["ext"] = {"ack": True}
            if message["channel"] == "/meta/connect":
                message["ext"] = {"ack": self.batch}

    async def incoming(self, payload, headers=None):
        for message in payload:
            if message["channel"] == "/meta/connect":
                self.batch = message.get("ext", {}).get("ack", self.batch)


async def print_events(client):
    while True:
        event = await client.receive()
        data = event["data"]
        print("event", (data.get("message") or data)["number"], flush=True)


async def main(url, user, transport, ack, *channels):
    client = Client(url, ConnectionType(transport), connection_timeout=20, auth=User(user),
                    extensions=[Acknowledge()] if ack == "ack" else [])
    await client.open()
    for channel in channels:
        await client.subscribe(channel)
    print("ready", client.connection_type.value, flush=True)
    printing = asyncio.ensure_future(print_events(client))
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    printing.cancel()
    await client.close()
    print("closed", flush=True)


# The client warns of each connect that fails while it is cut off.
logging.getLogger("aiocometd").setLevel(logging.ERROR)
# It gives aiohttp timeouts as numbers, as one did in 2019.
warnings.simplefilter("ignore", DeprecationWarning)
aiocometd_shim.apply()
asyncio.run(main(*sys.argv[1:]))
