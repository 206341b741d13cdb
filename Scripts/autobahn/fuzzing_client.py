# SPDX-License-Identifier: Apache-2.0
"""Runs the Autobahn test suite, after convert.py, against one server.

usage: fuzzing_client.py ws://HOST:PORT GROUP|CASE...

A byte string of Python 2 is, inside of the suite, a text of the characters 0 to 255. Where it leaves the suite for the
library beneath it becomes bytes, and what comes from there becomes such a text: that is what the wrappers below do.
"""
import binascii
import collections
import sys

import txaio
import zope.interface

txaio.use_twisted()

from autobahn.websocket.protocol import WebSocketProtocol
from autobahn.websocket.utf8validator import Utf8Validator


def encoded(value):
    """Bytes for the library; anything but a text stays what it is."""
    return value.encode("latin-1") if isinstance(value, str) else value


def decoded(value):
    return value.decode("latin-1") if isinstance(value, (bytes, bytearray)) else value


def takes_bytes(owner, name):
    """Lets the method be called with the suite's byte strings."""
    method = getattr(owner, name)

    def wrapper(self, *arguments, **named):
        named = {key: encoded(value) for key, value in named.items()}
        return method(self, *map(encoded, arguments), **named)

    setattr(owner, name, wrapper)


def adapt_library():
    for name in ("sendFrame", "sendMessage", "sendData", "sendPing", "sendPong", "sendCloseFrame",
                 "sendMessageFrame", "sendMessageFrameData"):
        takes_bytes(WebSocketProtocol, name)
    takes_bytes(Utf8Validator, "validate")
    b2a_hex = binascii.b2a_hex
    binascii.b2a_hex = lambda data: b2a_hex(encoded(data)).decode()
    # A declaration that is gone, and that nobody here asks for.
    zope.interface.implements = lambda *interfaces: None


# The suite calls the library while it is imported.
adapt_library()

from autobahntestsuite import fuzzing
from autobahntestsuite.case import Cases
from autobahntestsuite.case.case import Case
from twisted.internet import reactor
from twisted.python import log


def gives_text(name):
    """Lets the running case be told of payloads as it expects them."""

    def wrapper(self, payload, *arguments):
        if self.runCase:
            # The cases of permessage-deflate compare with what they read as bytes.
            wants_bytes = type(self.runCase).__name__.startswith(("Case12", "Case13"))
            getattr(self.runCase, name)(payload if wants_bytes else decoded(payload), *arguments)

    setattr(fuzzing.FuzzingProtocol, name, wrapper)


def log_text(protocol, header, payload):
    parts = [payload] if isinstance(payload, (bytes, str)) else payload
    log_frame(protocol, header, [decoded(part) for part in parts])


log_frame = fuzzing.FuzzingProtocol.logRxFrame


def adapt_suite():
    fuzzing.FuzzingProtocol.logRxFrame = log_text
    for name in ("onMessage", "onPong"):
        gives_text(name)
    fuzzing.asciiLogData = lambda data, maxlen=64, replace=False: decoded(data)[:maxlen]
    # By value; the suite compares pickles, which differ for equal values.
    Case.compare = lambda self, seen, expected: list(map(tuple, seen)) == list(map(tuple, expected))


def give_up(event):
    """Ends the run where the suite itself fails; it would wait for ever."""
    if event["isError"]:
        log.removeObserver(give_up)
        print(log.textFromEventDict(event))
        reactor.callFromThread(reactor.crash)


def verdict(result):
    """What counts: how the server behaved, and that it ended the connection as it should."""
    if result["behavior"] not in (Case.OK, Case.NON_STRICT, Case.INFORMATIONAL, Case.UNIMPLEMENTED):
        return Case.FAILED
    if result["behavior"] != Case.UNIMPLEMENTED and result["behaviorClose"] not in (Case.OK, Case.INFORMATIONAL):
        return result["behaviorClose"]
    return result["behavior"]


def report(results, wanted):
    """Prints what is not as it should be, and the counts. Returns whether nothing failed."""
    counts = collections.Counter()
    for case in wanted:
        result = results.get(case)
        if not result:
            counts["NOT RUN"] += 1
            print(f"{case}: not run")
            continue
        name = verdict(result)
        counts[name] += 1
        if name != Case.OK:
            print(f"{case}: {name}: {result['result']} {result['resultClose']} ({result['remoteCloseCode']})")
    apart = [Case.NON_STRICT, Case.INFORMATIONAL, Case.UNIMPLEMENTED]
    passed = counts[Case.OK]
    failed = len(wanted) - passed - sum(counts[name] for name in apart)
    print(", ".join(f"{counts[name]} {name.lower()}" for name in apart) + f", {counts[Case.UNCLEAN]} unclean")
    print(f"{passed} passed, {failed} failed")
    return failed == 0 and len(wanted) > 0


def main():
    url, *wanted = sys.argv[1:]
    patterns = [pattern for name in wanted for pattern in (name, name + ".*")]
    known = {cls.__name__[len("Case"):].replace("_", ".") for cls in Cases}
    patterns = [pattern for pattern in patterns if "*" in pattern or pattern in known]
    for name in wanted:
        if not any(case == name or case.startswith(name + ".") for case in known):
            sys.exit(f"There is no group or case {name}.")
    adapt_suite()
    # It speaks of every case; we, of those that are not as they should be.
    fuzzing.print = lambda *arguments: None
    fuzzing.FuzzingFactory.createReports = lambda self: None
    factory = fuzzing.FuzzingClientFactory({"servers": [{"agent": "echo", "url": url}], "cases": patterns})
    # Frames are counted by a case of group 10; octets only by reports that we do not make.
    factory.logOctets = False
    log.addObserver(give_up)
    reactor.run()
    sys.exit(0 if report(factory.agents.get("echo", {}), factory.specCases) else 1)


main()
