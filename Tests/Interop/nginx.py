# SPDX-License-Identifier: Apache-2.0
"""nginx as a child process, and certificates for it. Used by the *_check.py beside it."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile

from broker import wait_until


def certificate(directory, name, names):
    """A certificate that carries `names` (`DNS:…,IP:…`), signed by itself, and its key: the paths of NAME.pem and NAME.key."""
    paths = [os.path.join(directory, f"{name}.{kind}") for kind in ("pem", "key")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}",
         "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True)
    return paths


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Nginx:
    """nginx as a process of its own, in a directory of its own."""

    # What stands around the part that is tested: nothing of it may touch the system's nginx.
    FRAME = """
daemon off;
{user}
worker_processes 1;
pid nginx.pid;
error_log stderr;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  {content}
}}
"""

    def __init__(self, content, tls=None):
        """`content` is a function of the port."""
        self.tls = tls
        self.directory = tempfile.mkdtemp(prefix="nginx-")
        # A port that was free a moment ago may not be any more.
        for _ in range(5):
            self.port = free_port()
            if self._start(content(self.port)):
                return
            self.process.wait()
        raise RuntimeError("nginx does not start:\n" + self.log_text())

    def _start(self, content):
        path = os.path.join(self.directory, "nginx.conf")
        with open(path, "w", encoding="utf-8") as file:
            # As root it would give its requests to a user who may not enter the directory.
            file.write(self.FRAME.format(content=content, user="user root;" if os.getuid() == 0 else ""))
        self.log = open(os.path.join(self.directory, "error.log"), "w+", encoding="utf-8")
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen(
            [program, "-e", "stderr", "-p", self.directory, "-c", path], stdin=subprocess.DEVNULL, stderr=self.log)
        wait_until(lambda: self._answers() or self.process.poll() is not None, 5)
        return self.process.poll() is None

    def _answers(self):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        return False

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def connection(self):
        if self.tls:
            context = ssl.create_default_context(cafile=self.tls)
            context.check_hostname = False
            return http.client.HTTPSConnection(self.address, timeout=20, context=context)
        return http.client.HTTPConnection(self.address, timeout=20)

    def log_text(self):
        self.log.seek(0)
        return self.log.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # To its master, which ends its workers.
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)
