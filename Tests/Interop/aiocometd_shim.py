# SPDX-License-Identifier: Apache-2.0
"""Lets aiocometd 0.4.5 run on Python 3.10 and newer.

It passes `loop=` to functions of asyncio that no longer take it: its modules get an `asyncio` that leaves the argument
out for those, and nothing else in the process sees it. And it expects a cancelled task to raise an `Exception`, which
ended with Python 3.8, in two places. What it says on the wire is as its author published it.
"""

import asyncio
import functools

import aiocometd.client
import aiocometd.transports.base
import aiocometd.transports.long_polling
import aiocometd.transports.websocket
import aiocometd.utils


class LooplessAsyncio:
    """asyncio, but for the argument `loop` of four names."""

    _LOOPLESS = {"Semaphore", "sleep", "wait", "wait_for"}

    def __getattr__(self, name):
        value = getattr(asyncio, name)
        if name not in self._LOOPLESS:
            return value

        @functools.wraps(value)
        def without_loop(*arguments, loop=None, **named):
            return value(*arguments, **named)

        return without_loop


def apply():
    for module in (
            aiocometd.client, aiocometd.utils, aiocometd.transports.base, aiocometd.transports.long_polling):
        module.asyncio = LooplessAsyncio()
    base = aiocometd.transports.base.TransportBase
    connect_done = base._connect_done
    # Cancelled only by a disconnect, after which nothing is to be done.
    base._connect_done = lambda self, future: None if future.cancelled() else connect_done(self, future)
    socket = aiocometd.transports.websocket.WebSocketTransport
    receive_done = socket._receive_done

    def socket_ended(self, future):
        if future.cancelled():
            self._receive_task = None
        else:
            receive_done(self, future)

    socket._receive_done = socket_ended
