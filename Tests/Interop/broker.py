# SPDX-License-Identifier: Apache-2.0
"""A broker as a child process, and the checks made on it. Standard library only; used by the *_check.py beside it."""

import http.client
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEFAULT_BINARY = os.path.join(ROOT, ".build", "debug", "broker-cli")


def binary():
    """The program under test."""
    return os.environ.get("BROKER_CLI") or os.environ.get("BROKER") or DEFAULT_BINARY


def wait_until(condition, seconds):
    """Waits for `condition` to hold, at most so long. Returns whether it does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def request(address, method, path, body=None, headers=None):
    """One HTTP request on a connection of its own: status and body. `address` is host:port."""
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        data = json.dumps(body).encode() if body is not None else None
        connection.request(method, path, data, headers or {})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


class Broker:
    """`broker-cli serve` on ports of its own, or on given ones. Standard output is a pipe, as under a supervisor."""

    def __init__(self, *options, program=None, port=0, admin_port=0, environment=None, max_descriptors=None):
        self.program = program or binary()
        self.log = tempfile.TemporaryFile()

        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (max_descriptors, max_descriptors))

        self.process = subprocess.Popen(
            [self.program, "serve", "--port", str(port), "--admin-port", str(admin_port), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log,
            env={**os.environ, **(environment or {})}, preexec_fn=limit if max_descriptors else None)
        self.lines = []
        try:
            self.address = self._line("listening on http://")
            self.admin = self._line("admin on http://")
        except BaseException:
            self.close()
            raise

    def _line(self, beginning):
        line = self.process.stdout.readline().decode().rstrip("\n")
        self.lines.append(line)
        if not line.startswith(beginning):
            self.process.wait(10)
            raise RuntimeError(f"expected a line \"{beginning}…\", got \"{line}\"; its log:\n{self.log_text()}")
        return line[len(beginning):]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends it, however it is."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def end(self, number=signal.SIGTERM, within=8):
        """Sends it a signal and waits: exit code and seconds that it took; None where it did not end."""
        start = time.monotonic()
        self.process.send_signal(number)
        try:
            return self.process.wait(within), time.monotonic() - start
        except subprocess.TimeoutExpired:
            return None, time.monotonic() - start

    def log_text(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    @property
    def port(self):
        return int(self.address.rsplit(":", 1)[1])

    @property
    def admin_port(self):
        return int(self.admin.rsplit(":", 1)[1])

    # What it says of itself

    def publish(self, **order):
        """`POST /publish`: what it answers."""
        status, body = request(self.admin, "POST", "/publish", order)
        if status != 200:
            raise RuntimeError(f"publish: {status} {body}")
        return json.loads(body)

    def metrics(self):
        """`GET /metrics`: the values by name, labels included in the name."""
        _, text = request(self.admin, "GET", "/metrics")
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
        return {name: int(value) for name, value in lines}

    # What the system says of it

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            # Behind the name, which is in parentheses: utime and stime are fields 14 and 15 of the line.
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


class Checks:
    """Counts what holds and what does not, each said in a line."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def __call__(self, what, holds, found=""):
        """`found` is shown where the check fails."""
        if holds:
            self.passed += 1
            print(f"ok: {what}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED: {what}", flush=True)
            if found != "":
                print(f"        found: {str(found)[:2000]}", flush=True)
        return holds

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)
