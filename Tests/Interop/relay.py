# SPDX-License-Identifier: Apache-2.0
"""A TCP relay that can cut what goes through it. Standard library only; used by interop_check.py."""

import queue
import selectors
import socket
import struct
import threading

CHUNK_BYTES = 65536
# With no time to linger, closing sends a reset: the connection is gone, not ended.
RESET = struct.pack("ii", 1, 0)


class Relay:
    """Stands between clients and one address, in a thread of its own."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._orders = queue.Queue()
        self._peers = {}
        self._waiting = []
        self._is_cut = False
        self._swallows = False
        self._swallowed = b""
        self._is_open = True
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._order(self._close)
        self._thread.join(5)

    # What may be asked of it; each is done when the call returns.

    def cut(self):
        """Resets all connections, on both sides. New ones wait until `mend`."""
        self._order(self._cut)

    def mend(self):
        """Lets through what waits and what comes."""
        self._order(self._mend)

    def swallow(self):
        """From now on, and until `mend`, nothing that is answered arrives."""
        self._order(self._start_swallowing)

    @property
    def swallowed(self):
        """What was answered and did not arrive."""
        return self._swallowed

    def _order(self, action):
        done = threading.Event()
        self._orders.put((action, done))
        self._wake.send(b"!")
        if not done.wait(10):
            raise TimeoutError("the relay does not answer")

    # On its thread

    def _run(self):
        while self._is_open:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is self._woken:
                    self._woken.recv(1)
                    action, done = self._orders.get()
                    action()
                    done.set()
                elif key.fileobj in self._peers:
                    self._forward(key.fileobj)

    def _accept(self):
        client, _ = self._listener.accept()
        if self._is_cut:
            self._waiting.append(client)
        else:
            self._connect(client)

    def _connect(self, client):
        try:
            server = socket.create_connection(self._target, timeout=5)
        except OSError:
            client.close()
            return
        for one, other, answers in ((client, server, False), (server, client, True)):
            one.settimeout(5)
            self._peers[one] = (other, answers)
            self._selector.register(one, selectors.EVENT_READ)

    def _forward(self, source):
        other, answers = self._peers[source]
        try:
            data = source.recv(CHUNK_BYTES)
            if answers and self._swallows and data:
                self._swallowed += data
                return
            if data:
                other.sendall(data)
                return
        except OSError:
            pass
        self._end(source, other)

    def _end(self, *pair):
        for one in pair:
            if self._peers.pop(one, None):
                self._selector.unregister(one)
            one.close()

    def _cut(self):
        self._is_cut = True
        for one in list(self._peers):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._end(*self._peers)

    def _mend(self):
        self._is_cut = False
        self._swallows = False
        waiting, self._waiting = self._waiting, []
        for client in waiting:
            self._connect(client)

    def _start_swallowing(self):
        self._swallowed = b""
        self._swallows = True

    def _close(self):
        self._is_open = False
        self._end(*self._peers, *self._waiting)
        self._listener.close()
