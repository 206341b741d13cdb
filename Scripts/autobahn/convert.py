# SPDX-License-Identifier: Apache-2.0
"""Turns the installed Autobahn test suite, which is Python 2, into Python 3.

lib2to3 does the syntax. It cannot know which strings are bytes; fuzzing_client.py sees to those when it runs. What is
left are a few lines that mean something else in Python 3.
"""
import importlib.util
import pathlib
import re
from lib2to3.refactor import RefactoringTool, get_fixers_from_package


def package(name):
    return pathlib.Path(importlib.util.find_spec(name).origin).parent


def replace(path, pattern, replacement):
    """Replaces every occurrence, of which there has to be one, or this is not the version we know."""
    text, count = re.subn(pattern, replacement, path.read_text(encoding="latin-1"))
    if count == 0:
        raise SystemExit(f"{path}: nothing matches {pattern}")
    path.write_text(text, encoding="latin-1")


def convert(path, tool):
    text = path.read_text(encoding="latin-1")
    if not text.endswith("\n"):
        text += "\n"
    path.write_text(str(tool.refactor_string(text, str(path))), encoding="latin-1")


def main():
    suite = package("autobahntestsuite")
    tool = RefactoringTool(get_fixers_from_package("lib2to3.fixes"))
    # It would import all of the suite, half of which needs packages that are no more.
    (suite / "__init__.py").write_text('version = "25.10.1"\n')
    for name in ("caseset.py", "fuzzing.py", "report.py"):
        convert(suite / name, tool)
    for path in sorted((suite / "case").glob("*.py")):
        convert(path, tool)
        if b"(object, Case, )" in path.read_bytes():
            # A class may not come before its own base.
            replace(path, re.escape("(object, Case, )"), "(Case, )")
    # Byte strings written as such: each byte one character.
    for path in (suite / "case").glob("case6_2_*.py"):
        replace(path, "coding=utf-8", "coding=latin-1")
    # Divisions of whole numbers.
    replace(suite / "case" / "case10_1_1.py", r"len\(self\.payload\) / self\.p", "len(self.payload) // self.p")
    replace(package("autobahn") / "websocket" / "protocol.py", r"payload_len / len\(payload\)",
            "payload_len // len(payload)")


main()
