# SPDX-License-Identifier: Apache-2.0
"""What a broker does while its disk is read-only or broken, or its data file is damaged: over HTTP, and after kill -9.

Run by Scripts/tests/45-store.sh. The disk is one that Tests/Tools/failing_disk.c makes fail.
"""

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import tempfile

from broker import ROOT, Broker, Checks, request, wait_until

JSON = {"Content-Type": "application/json"}
# Five seconds between two looks at the file, one between two tries; and room for a slow machine.
NOTICED_WITHIN = 20
check = Checks()


def create(broker):
    """A service by HTTP: status and id."""
    status, body = request(broker.address, "POST", "/genesys/1/service/request-chat", {}, JSON)
    return status, json.loads(body).get("_id")


def readiness(broker):
    status, body = request(broker.admin, "GET", "/readyz")
    return status, json.loads(body)["status"]


def publish(broker):
    status, body = request(broker.admin, "POST", "/publish", {"user": "absent", "tag": "t", "message": 1})
    return status, json.loads(body).get("message", "")


def storage(broker, service):
    return request(broker.address, "GET", f"/genesys/1/service/{service}/storage")[0]


@contextlib.contextmanager
def data_directory():
    with tempfile.TemporaryDirectory() as directory:
        yield os.path.join(directory, "data")


def failing_disk(library, number, word):
    """Everything that has to be kept is refused while the disk fails, and taken again afterwards without a restart."""
    name = errno.errorcode[number]
    with data_directory() as data, tempfile.TemporaryDirectory() as control:
        switch = os.path.join(control, "errno")
        environment = {"LD_PRELOAD": library, "FAILING_DISK": switch}
        with Broker("--data", data, environment=environment) as broker:
            first = create(broker)
            check(f"{name}: before it, a service is made", first[0] == 200 and readiness(broker)[0] == 200, first)
            with open(switch + ".new", "w", encoding="ascii") as file:
                file.write(str(number))
            os.rename(switch + ".new", switch)
            refused = [create(broker)[0] for _ in range(20)]
            check(f"{name}: no service is made", set(refused) == {507}, refused)
            status, message = publish(broker)
            check(f"{name}: a publish says why", status == 507 and word in message, (status, message))
            check(f"{name}: the broker is not ready", readiness(broker) == (503, "storeFailing"), readiness(broker))
            check(f"{name}: what needs no disk is served", storage(broker, first[1]) == 200)
            os.remove(switch)
            check(f"{name}: it is ready again by itself",
                  wait_until(lambda: readiness(broker) == (200, "ready"), NOTICED_WITHIN), broker.log_text())
            second = create(broker)
            check(f"{name}: a service is made again", second[0] == 200, second)
            broker.process.send_signal(signal.SIGKILL)
            broker.process.wait()
        with Broker("--data", data) as broker:
            kept = [storage(broker, service) for _, service in (first, second)]
            check(f"{name}: what was accepted before and after outlived kill -9", kept == [200, 200], kept)


def overwritten(suffix):
    """Damage at run time is noticed though nobody writes, and nothing is accepted that would be lost."""
    with data_directory() as data, Broker("--data", data) as broker:
        first = create(broker)
        path = os.path.join(data, "broker.sqlite" + suffix)
        with open(path, "r+b") as file:
            whole = file.read()
            file.seek(0)
            file.write(b"\x5a" * len(whole))
        check(f"broker.sqlite{suffix} overwritten: readiness says so though nothing is written",
              wait_until(lambda: readiness(broker) == (503, "storeFailing"), NOTICED_WITHIN), broker.log_text())
        refused = [create(broker)[0] for _ in range(5)]
        check("no service is made", set(refused) == {507}, refused)
        status, message = publish(broker)
        check("a publish says why", status == 507 and f"broker.sqlite{suffix} was overwritten" in message, message)
        with open(path, "r+b") as file:
            file.write(whole)
        check("put back, it is ready again",
              wait_until(lambda: readiness(broker) == (200, "ready"), NOTICED_WITHIN), broker.log_text())
        second = create(broker)
        broker.process.send_signal(signal.SIGKILL)
        broker.process.wait()
        with Broker("--data", data) as again:
            kept = [storage(again, service) for _, service in (first, second)]
            check("and what was accepted is there after kill -9", kept == [200, 200], kept)


def main():
    with tempfile.TemporaryDirectory() as directory:
        library = os.path.join(directory, "failing_disk.so")
        source = os.path.join(ROOT, "Tests/Tools/failing_disk.c")
        subprocess.run([shutil.which("clang") or "cc", "-Wall", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        failing_disk(library, errno.EROFS, "cannot be written to")
        failing_disk(library, errno.EIO, "disk I/O error")
    for suffix in ("", "-wal"):
        overwritten(suffix)
    check.finish()


main()
