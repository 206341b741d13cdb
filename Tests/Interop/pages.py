# SPDX-License-Identifier: Apache-2.0
"""Tables of the documents that are written by what was measured. Standard library only."""

import difflib
import os

from broker import ROOT

REWRITE = os.environ.get("REWRITE_DOCS") == "1"


def table(heads, rows):
    """A table of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def hold_to(path, name, text, check):
    """Compares `text` with what stands in the page between its marks; REWRITE_DOCS=1 puts it there."""
    whole = os.path.join(ROOT, path)
    with open(whole, encoding="utf-8") as file:
        page = file.read()
    begin, end = f"<!-- {name}: generated -->\n\n", f"\n<!-- {name}: end -->"
    before, found, rest = page.partition(begin)
    shown, closed, after = rest.partition(end)
    if REWRITE and found and closed and shown != text:
        with open(whole, "w", encoding="utf-8") as file:
            file.write(before + begin + text + end + after)
        shown = text
    difference = difflib.unified_diff(shown.splitlines(), text.splitlines(), "shown", "measured", n=0, lineterm="")
    check(f"{path} shows what was measured ({name})", found and closed and shown == text, "\n".join(difference))
