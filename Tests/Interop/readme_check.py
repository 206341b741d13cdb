# SPDX-License-Identifier: Apache-2.0
"""Checks that the documents tell the truth. Run by Scripts/tests/30-readme.sh.

Every block marked ```sh in the files of DIALOGUES is run, in order, in one shell and against a broker started for that
file, with only the addresses replaced. What it prints has to be the ```text block that follows it, or nothing. Values
that differ from run to run (VALUES) may differ, but each has to stand wherever the document shows the same one again.

In the documents of WHOLE there are no other blocks than these, but for configuration, which a broker is started with.

A configuration that names both ports is that of one more broker, which the blocks of the file speak with at these ports.
And whatever is posted to RECEIVER is written into `push.log`, beside which they are run.

Besides: Docs/Conformance.md names every row and the test that holds it; REWRITE_DOCS=1 writes its table anew. Paths and
links lead to something, the limits shown are those of Docs/Configuration.md, and the Swift of the
README compiles against the modules that were built with the program.
"""

import contextlib
import difflib
import glob
import http.server
import json
import os
import re
import signal
import subprocess
import tempfile
import threading

from broker import ROOT, Broker, Checks, binary

# Which files hold dialogues, and the options of the broker they speak with.
DIALOGUES = {"README.md": ["--demo"], "Docs/Chat.md": [], "Docs/Services.md": []}
# Documents every block of which is run or started with, so that nothing they show goes unchecked.
WHOLE = ["Docs/Chat.md", "Docs/Services.md"]
# What the documents call the two listeners.
PUBLIC, ADMIN = "127.0.0.1:8080", "127.0.0.1:8081"
# What they call the server that pushes go to.
RECEIVER = "127.0.0.1:9000"
BLOCK_SECONDS = 30

# Values that are the broker's own choice: name, and where one is recognised by what stands around it.
VALUES = [
    ("clientId", r'"clientId":"([0-9a-v]{32})"'),
    ("service", r'"_id":"((?:[0-9]{1,4}-)?[0-9a-f]{8}-[0-9a-f-]{27})"'),
    ("advanced service", r'"_id":"([0-9A-Z]{32})"'),
    ("box", r'"id":"([0-9a-f]{8}-[0-9a-f-]{27})"'),
    ("chatSessionId", r'"chatSessionId":"([0-9A-Za-z]{16})"'),
    ("userId", r'"userId":"([0-9A-F]{16})"'),
    ("secureKey", r'"secureKey":"([0-9a-f]{16})"'),
    ("event", r'"id":"([0-9a-f]{32})"'),
    ("cookie", r"BAYEUX_BROWSER=([0-9a-z]{26});"),
]
# Times: seconds since the start of a chat in a transcript entry, that start, the date of an answer.
TIMES = [
    (r'"\d+","(AGENT|CLIENT)"\]', r'"<seconds>","\1"]'),
    (r'"startedAt":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"', '"startedAt":"<time>"'),
    (r"(?m)^(< )?Date: .* GMT$", r"\1Date: <date>"),
]

check = Checks()


class Names:
    """Gives each value that is met a name, the same one again when it is met again."""

    def __init__(self):
        self.names = {}
        self.counts = {}

    def apply(self, text):
        for kind, pattern in VALUES:
            for value in re.findall(pattern, text):
                if value not in self.names:
                    self.counts[kind] = self.counts.get(kind, 0) + 1
                    self.names[value] = f"<{kind} {self.counts[kind]}>"
        for value, name in self.names.items():
            text = text.replace(value, name)
        for pattern, replacement in TIMES:
            text = re.sub(pattern, replacement, text)
        return text


class Shell:
    """One shell that runs block after block and tells what each printed."""

    MARK = "-- end of block --"

    def __init__(self, directory):
        self.process = subprocess.Popen(
            ["sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=directory,
            env={**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}, start_new_session=True)

    def run(self, block):
        self.process.stdin.write(f"{block}\necho '{self.MARK}'\n")
        self.process.stdin.flush()
        lines = []
        signal.alarm(BLOCK_SECONDS)
        for line in self.process.stdout:
            if line.rstrip("\n") == self.MARK:
                break
            lines.append(line)
        signal.alarm(0)
        return "".join(lines)

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def blocks(text):
    """The fenced blocks: language and content."""
    return re.findall(r"(?ms)^```(\w*)\n(.*?)^```$", text)


@contextlib.contextmanager
def receiver(path):
    """A server that answers every POST with 200 and writes it to the file; its address."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            with open(path + ".new", "w", encoding="utf-8") as file:
                file.write("\n".join([self.requestline, *(f"{key}: {value}" for key, value in self.headers.items())]))
                file.write(f"\n\n{body}\n")
            os.rename(path + ".new", path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield "127.0.0.1:%d" % server.server_port
    finally:
        server.shutdown()
        server.server_close()


class Addresses:
    """What stands for what: addresses of the document, and those of this run."""

    def __init__(self):
        self.pairs = []

    def add(self, shown, real):
        self.pairs.append((shown, real))

    def real(self, text):
        for shown, real in self.pairs:
            text = text.replace(shown, real)
        return text

    def shown(self, text):
        for shown, real in self.pairs:
            text = text.replace(real, shown)
        return text


@contextlib.contextmanager
def others(found, directory, addresses):
    """The brokers of the configurations among the blocks that name both ports."""
    with contextlib.ExitStack() as stack:
        for number, content in enumerate(content for language, content in found if language == "json"):
            configuration = json.loads(content)
            ports = [configuration.get(section, {}).get("port") for section in ("server", "admin")]
            if None in ports:
                continue
            file = os.path.join(directory, f"broker-{number}.json")
            with open(file, "w", encoding="utf-8") as output:
                output.write(addresses.real(content))
            broker = stack.enter_context(Broker("--config", file))
            addresses.add(f"127.0.0.1:{ports[0]}", broker.address)
            addresses.add(f"127.0.0.1:{ports[1]}", broker.admin)
        yield


def dialogue(path, options):
    """Runs the dialogue of one file."""
    found = blocks(read(path))
    pairs = []
    for index, (language, content) in enumerate(found):
        if language == "sh":
            following = found[index + 1] if index + 1 < len(found) else ("", "")
            pairs.append((content, following[1] if following[0] == "text" else ""))
    check(f"{path} holds a dialogue", pairs)
    expected_names, actual_names = Names(), Names()
    addresses = Addresses()
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        broker = stack.enter_context(Broker(*options))
        addresses.add(PUBLIC, broker.address)
        addresses.add(ADMIN, broker.admin)
        addresses.add(RECEIVER, stack.enter_context(receiver(os.path.join(directory, "push.log"))))
        stack.enter_context(others(found, directory, addresses))
        shell = Shell(directory)
        try:
            for number, (commands, expected) in enumerate(pairs, 1):
                actual = addresses.shown(shell.run(addresses.real(commands)))
                shown, printed = expected_names.apply(expected), actual_names.apply(actual)
                difference = difflib.unified_diff(
                    shown.splitlines(), printed.splitlines(), "shown", "printed", n=0, lineterm="")
                first = commands.strip().splitlines()[0]
                check(f"{path}, block {number}: {first[:90]}", shown == printed, "\n".join(difference))
        finally:
            shell.close()


def whole(path):
    """Every block of the file is run, or is configuration that a broker starts with."""
    unchecked = []
    found = blocks(read(path))
    for index, (language, content) in enumerate(found):
        if language == "json":
            with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                file.write(content)
                file.flush()
                try:
                    Broker("--config", file.name).close()
                except RuntimeError as error:
                    unchecked.append(str(error))
        elif language == "text" and (index == 0 or found[index - 1][0] != "sh"):
            unchecked.append(content)
        elif language not in ("sh", "text"):
            unchecked.append(content)
    check(f"{path}: none of its {len(found)} blocks goes unchecked", not unchecked, unchecked)


# What a test's name begins with where it holds rows: "1.1 row 2, A20: what it holds".
ROW = r"(?:[0-9]+\.[0-9]+|A[0-9]+)[^:\"]*"
# Rows that have no number, by what they are about.
MEMBERS_1_2 = [
    "chatIxnState", "chatSessionId", "transcriptPosition", "chatServiceMessage", "transcriptToShow", "startedAt",
    "verbose members", "_chatIxnAPI_…_URL", "fldn mapping", "nickname",
]
ROWS_1_5 = [
    "create", "service storage", "free storage", "callback", "callback availability", "queue position", "dialogs", "node",
    "Notification API",
]
# Those that share a name, by what they hold.
ROWS_3_5 = [
    "3.5: what came before the first subscription is handed over once and in order",
    "3.5: what a lost session was not handed goes to the next",
    "3.5: an event waits though the client of a held connect hung up, whose session still lives",
    "3.5: after a disconnect at ext.transcriptPosition the rest arrives once",
    "3.5: agents see whether the customer is there",
    "3.5: what was missed comes once, in order, and before what is live",
    "3.5: two chats of one user, both are caught up with, each in its order",
    "3.5: a phone that is silent without a word gets by its next session what the old one was not written",
    "3.5 bound: by count, the latest stay", "3.5 bound: by bytes", "3.5 bound: by age", "3.5 bound: by absent users",
    "3.5, A17: what waits goes to the first who returns",
]
# Options of ours, which no table of GMS has.
OWN_OPTIONS = {"_service", "_poke", "_poke_message", "_dial_number"}


def rows():
    """Name of rows, what is held, test and file, of every test that is named so."""
    for directory, _, files in os.walk(os.path.join(ROOT, "Tests/BrokerServerTests")):
        for file in files:
            path = os.path.relpath(os.path.join(directory, file), ROOT)
            pattern = rf'@Test\(\s*"({ROW}): ([^"]*)".*?\bfunc (\w+)'
            for names, held, test in re.findall(pattern, read(path), re.S):
                yield names, held, test, path


def conformance():
    """Docs/Conformance.md is the list of tests that are named after rows, and no row is without one."""
    found = list(rows())
    order = lambda row: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", row[0])]
    lines = [f"| {names} | {held} | `{test}` in `{path}` |" for names, held, test, path in sorted(found, key=order)]
    path = "Docs/Conformance.md"
    text = read(path)
    head, mark = text.split("|---|---|---|\n")[0], "|---|---|---|\n"
    wanted = head + mark + "\n".join(lines) + "\n"
    if os.environ.get("REWRITE_DOCS"):
        with open(os.path.join(ROOT, path), "w", encoding="utf-8") as file:
            file.write(wanted)
    check(f"{path} names the {len(found)} tests that hold rows", read(path) == wanted, "REWRITE_DOCS=1 writes it anew")
    names = [name.strip() for row in found for name in row[0].split(",")]
    needed = [f"1.1 row {row}" for row in range(1, 5)] + [f"1.2 row {row}" for row in range(5, 11)]
    needed += [f"1.3 row {row}" for row in (11, 12)]
    needed += [f"5.10 rule {rule}" for rule in range(1, 17)] + [f"A{number}" for number in range(1, 29)]
    needed += [f"1.2 {member}" for member in MEMBERS_1_2] + [f"1.5 {row}" for row in ROWS_1_5] + ROWS_3_5
    missing = set(needed) - set(names) - {f"{names}: {held}" for names, held, _, _ in found}
    check(f"each of the {len(set(needed))} rows of 1.1, 1.2, 1.3, 1.5, 3.5, 5.10 and section 7 has a test", not missing,
          sorted(missing))
    table = read("Sources/ChatService/Services/ServiceOption.swift").split("public enum Shape")[0]
    options = set(re.findall(r'case \w+ = "(_\w+)"', table)) - OWN_OPTIONS
    held = {option for row in found if row[0].startswith("4.3") for option in re.findall(r"_\w+", row[0])}
    check(f"each of the {len(options)} options of 4.3 has a test", options <= held, sorted(options - held))


def documents():
    yield "README.md"
    for directory, _, files in os.walk(os.path.join(ROOT, "Docs")):
        for file in sorted(files):
            if file.endswith(".md"):
                yield os.path.relpath(os.path.join(directory, file), ROOT)


def paths(path):
    """Links to files, and paths of ours in backticks, have to lead somewhere."""
    text = read(path)
    here = os.path.dirname(os.path.join(ROOT, path))
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    missing = [link for link in links if link and not os.path.exists(os.path.join(here, link))]
    named = re.findall(r"`((?:Sources|Tests|Scripts|Docs)/[\w+./-]+)`", text)
    missing += [name for name in named if not os.path.exists(os.path.join(ROOT, name))]
    check(f"{path}: all paths lead to something ({len(links) + len(named)})", not missing, missing)


def limits():
    """Rows `| `key` | default | …` of the README against the generated page."""
    row = r"(?m)^\| `([a-zA-Z]+\.[a-zA-Z]+)` \| ([^|]+) \|"
    page = dict(re.findall(r"(?m)^\| `([a-zA-Z]+\.[a-zA-Z]+)`[^|]*\|[^|]*\| `([^`|]*)` \|", read("Docs/Configuration.md")))
    shown = re.findall(row, read("README.md"))
    wrong = [(key, value) for key, value in shown if page.get(key) != re.sub(r"\D", "", value)]
    check(f"README.md: its {len(shown)} limits are those of Docs/Configuration.md", shown and not wrong, wrong)


def module_maps():
    """Those of the system's libraries: our own, and that of the database library."""
    scratch = os.path.dirname(os.path.dirname(os.path.realpath(binary())))
    while not os.path.isdir(os.path.join(scratch, "checkouts")) and scratch != "/":
        scratch = os.path.dirname(scratch)
    yield from glob.glob(os.path.join(ROOT, "Sources/C*/module.modulemap"))
    yield from glob.glob(os.path.join(scratch, "checkouts/GRDB.swift/Sources/GRDBSQLite/module.modulemap"))


def swift():
    """The Swift of the README, against the modules of the build."""
    build = os.path.dirname(os.path.abspath(binary()))
    modules = os.path.join(build, "Modules")
    if not os.path.isdir(modules):
        print(f"not checked: the Swift of README.md, since there is no {modules}")
        return
    for language, content in blocks(read("README.md")):
        if language != "swift":
            continue
        with tempfile.NamedTemporaryFile("w", suffix=".swift") as file:
            file.write(content)
            file.flush()
            # What SwiftPM would add by itself for a package that depends on this one.
            maps = [f"-fmodule-map-file={path}" for path in module_maps()]
            compiled = subprocess.run(
                ["swiftc", "-typecheck", "-parse-as-library", "-swift-version", "6", "-I", modules,
                 *(word for path in maps for word in ("-Xcc", path)), file.name],
                capture_output=True, text=True)
        check("README.md: the Swift in it compiles", compiled.returncode == 0, compiled.stdout + compiled.stderr)


def too_late(*_):
    raise TimeoutError(f"a block took longer than {BLOCK_SECONDS} s")


def main():
    signal.signal(signal.SIGALRM, too_late)
    for path, options in DIALOGUES.items():
        dialogue(path, options)
    for path in WHOLE:
        whole(path)
    conformance()
    for path in documents():
        paths(path)
    limits()
    swift()
    check.finish()


main()
