# SPDX-License-Identifier: Apache-2.0
"""`load-test` through TLS, with nginx in front of the broker. Run by Scripts/tests/75-load-tls.sh."""

import os
import subprocess
import tempfile

from broker import Broker, Checks, binary
from nginx import Nginx, certificate

CLIENTS, MESSAGES = 20, 30

check = Checks()


def proxied(broker, paths):
    return lambda port: f"""
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {paths[0]};
    ssl_certificate_key {paths[1]};
    location / {{
      proxy_pass http://{broker.address};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $http_connection;
      proxy_set_header Host $http_host;
      proxy_read_timeout 60s;
    }}
  }}"""


def load(url, *options):
    """Exit status, and what it says of itself on either stream."""
    ended = subprocess.run(
        [binary(), "load-test", "--quiet", "--url", url, "--clients", str(CLIENTS), "--messages", str(MESSAGES),
         "--warmup", "100ms", *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    return ended.returncode, ended.stdout.strip(), ended.stderr.strip()


def is_refused(what, ended, *words):
    """One line that has the words, and the exit status of a server that cannot be reached."""
    status, table, line = ended
    holds = status == 4 and not table and line.count("\n") == 0 and all(word in line for word in words)
    check(what, holds, ended)


def main():
    with tempfile.TemporaryDirectory() as directory, Broker("--shards", "1") as broker:
        paths = certificate(directory, "ours", "IP:127.0.0.1,DNS:localhost")
        with Nginx(proxied(broker, paths)) as nginx:
            ended = load(f"https://{nginx.address}/genesys/cometd", "--ca-file", paths[0])
            check("long-polling over TLS", ended[0] == 0, ended)
            ended = load(f"https://localhost:{nginx.port}/genesys/cometd", "--ca-file", paths[0])
            check("by a name", ended[0] == 0, ended)
            ended = load(f"wss://{nginx.address}/genesys/cometd", "--ca-file", paths[0])
            check("websocket over TLS", ended[0] == 0, ended)
            ended = load(f"https://{nginx.address}/genesys/cometd", "--payload", "100000", "--ca-file", paths[0])
            check("messages of many records", ended[0] == 0, ended)
            ended = load(f"https://{nginx.address}/genesys/cometd", "--insecure")
            check("any certificate where it is told so", ended[0] == 0, ended)
            is_refused("a certificate that nobody trusts is told in one line",
                       load(f"https://{nginx.address}/genesys/cometd"), "certificate is not accepted", "self-signed")
            missing = os.path.join(directory, "none.pem")
            status, _, line = load(f"https://{nginx.address}/genesys/cometd", "--ca-file", missing)
            check("a file without certificates is told in one line",
                  status == 2 and missing in line and "\n" not in line, line)
        paths = certificate(directory, "theirs", "DNS:chat.example.com")
        with Nginx(proxied(broker, paths)) as nginx:
            is_refused("a certificate of another server is told in one line",
                       load(f"https://{nginx.address}/genesys/cometd", "--ca-file", paths[0]),
                       "certificate is not accepted", "mismatch")
        is_refused("a server without TLS is told in one line",
                   load(f"https://{broker.address}/genesys/cometd"), "TLS: ")
    check.finish()


if __name__ == "__main__":
    main()
