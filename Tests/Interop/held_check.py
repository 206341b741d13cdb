# SPDX-License-Identifier: Apache-2.0
"""What thousands of held polls cost the broker, and that one publish reaches all. Run by Scripts/tests/50-held.sh."""

import resource
import sys
import time

from broker import Broker, Checks, wait_until
from polls import CHANNEL, HeldPolls

MAX_POLLS = 10_000
# Descriptors that either process needs beside its connections.
SPARE_DESCRIPTORS = 200
# Polls that come and go before, so that what is made once is not counted as the cost of a poll.
WARM_UP_POLLS = 100
MAX_BYTES_PER_POLL = 2048
MAX_IDLE_CPU_PERCENT = 2.0
IDLE_SECONDS = 10
# Longer than the test, so that no poll ends by itself.
TIMEOUT_MILLISECONDS = 600_000

check = Checks()


def possible_polls():
    """How many connections one process may have, here and in the broker alike."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(MAX_POLLS, hard - SPARE_DESCRIPTORS)


def run(program, count, has_users):
    kind = "with a user each" if has_users else "without users"
    with Broker(program=program, environment={"BAYEUX_TIMEOUT": str(TIMEOUT_MILLISECONDS)}) as broker:
        HeldPolls(broker.address, WARM_UP_POLLS, has_users).close()
        check("polls whose clients hang up are held no longer",
              wait_until(lambda: broker.metrics()["broker_connects_held"] == 0, 5))
        base = broker.resident_bytes()
        descriptors = broker.descriptors()

        start = time.monotonic()
        polls = HeldPolls(broker.address, count, has_users)
        seconds = time.monotonic() - start
        held = broker.metrics()["broker_connects_held"]
        check(f"{count} polls are held ({kind}, after {seconds:.1f} s)", held == count, held)
        bytes_per_poll = (broker.resident_bytes() - base) / count
        check(f"each takes {bytes_per_poll:.0f} bytes of memory, under {MAX_BYTES_PER_POLL}",
              bytes_per_poll < MAX_BYTES_PER_POLL)

        if has_users:
            idle(broker)
        fan_out(broker, polls, count)
        polls.close()
        check("all descriptors return when the clients are gone",
              wait_until(lambda: broker.descriptors() <= descriptors, 10), (descriptors, broker.descriptors()))
        metrics = broker.metrics()
        check("no poll is held any more", metrics["broker_connects_held"] == 0, metrics["broker_connects_held"])
        check("the broker's books balance", metrics["broker_ledger_imbalance"] == 0)


def idle(broker):
    before = broker.cpu_seconds()
    time.sleep(IDLE_SECONDS)
    percent = (broker.cpu_seconds() - before) / IDLE_SECONDS * 100
    check(f"holding them takes {percent:.1f} % of a core over {IDLE_SECONDS} s, under {MAX_IDLE_CPU_PERCENT}",
          percent < MAX_IDLE_CPU_PERCENT)


def fan_out(broker, polls, count):
    start = time.monotonic()
    reply = broker.publish(channel=CHANNEL, data={"number": 7})
    answers = polls.answers(20)
    seconds = time.monotonic() - start
    # The sessions that hung up are subscribed until they expire.
    check("one publish counts them all", reply == {"sessions": count + WARM_UP_POLLS}, reply)
    event = {"data": {"number": 7}, "channel": CHANNEL}
    connect = {"id": "1", "successful": True, "channel": "/meta/connect"}
    wrong = [answer for answer in answers if answer != (200, [event, connect])]
    check(f"and answers them all, the event first ({seconds:.2f} s)", not wrong, wrong[:3])


def main():
    program = sys.argv[1]
    count = possible_polls()
    run(program, count, has_users=False)
    run(program, count, has_users=True)
    check.finish()


main()
