# SPDX-License-Identifier: Apache-2.0
"""Holds recorded exchanges against an OpenAPI 3.1 file. Standard library only; used by backend_check.py.

Reads the part of YAML that such a file needs: mappings and lists by indentation, folded text, lists in brackets, plain
and quoted scalars.
"""

import re


def scalar(text):
    """A plain or quoted value."""
    if text.startswith("[") and text.endswith("]"):
        return [scalar(part.strip()) for part in text[1:-1].split(",") if part.strip()]
    if text == "{}":
        return {}
    if text[:1] in "'\"" and text[-1:] == text[:1]:
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    return int(text) if re.fullmatch(r"-?\d+", text) else text


def load(text):
    """The document as dictionaries and lists."""
    lines = []
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            lines.append((len(line) - len(line.lstrip()), line.strip()))
    value, rest = block(lines, 0)
    if rest != len(lines):
        raise ValueError(f"cannot read: {lines[rest]}")
    return value


def block(lines, at):
    """The block that begins at that line, and the line behind it."""
    indent = lines[at][0]
    if lines[at][1].startswith("- "):
        items = []
        while at < len(lines) and lines[at][0] == indent and lines[at][1].startswith("- "):
            # The item is a block of its own, two further in.
            lines[at] = (indent + 2, lines[at][1][2:])
            if ": " in lines[at][1] or lines[at][1].endswith(":"):
                item, at = block(lines, at)
            else:
                item, at = scalar(lines[at][1]), at + 1
            items.append(item)
        return items, at
    members = {}
    while at < len(lines) and lines[at][0] == indent:
        name, _, rest = lines[at][1].partition(":")
        name, rest = str(scalar(name)), rest.strip()
        if name in members:
            raise ValueError(f"{name} stands twice")
        at += 1
        if rest == ">-":
            parts = []
            while at < len(lines) and lines[at][0] > indent:
                parts.append(lines[at][1])
                at += 1
            members[name] = " ".join(parts)
        elif rest:
            members[name] = scalar(rest)
        else:
            members[name], at = block(lines, at)
    return members, at


class Document:
    """An OpenAPI file, and what of it was seen."""

    KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}

    def __init__(self, text):
        self.root = load(text)
        self.problems = []
        self.seen = set()

    def resolve(self, node):
        while "$ref" in node:
            path = node["$ref"].removeprefix("#/").split("/")
            node = self.root
            for step in path:
                node = node[step]
        return node

    def operations(self):
        """Method, path and operation of all that is described."""
        for group in ("paths", "webhooks"):
            for path, item in self.root[group].items():
                for method, operation in item.items():
                    if method != "parameters":
                        yield method.upper(), path, operation

    def exchange(self, method, path, headers, body, status, answer):
        """Notes what is wrong about one exchange."""
        for known, template, operation in self.operations():
            pattern = re.sub(r"\{\w+\}", "[^/]+", template)
            if known == method and re.fullmatch(pattern, path):
                break
        else:
            self.problems.append(f"{method} {path} is not described")
            return
        place = f"{method} {template}"
        self.seen.add(place)
        for parameter in map(self.resolve, operation.get("parameters", [])):
            if parameter["in"] == "header" and parameter["required"] and parameter["name"].lower() not in headers:
                self.problems.append(f"{place}: no {parameter['name']}")
        if "requestBody" in operation:
            self.content(operation["requestBody"], body, f"{place} request")
        elif body is not None:
            self.problems.append(f"{place}: a body that is not described")
        responses = operation["responses"]
        response = responses.get(str(status)) or responses.get(f"{status // 100}XX")
        if response is None:
            self.problems.append(f"{place}: {status} is not described")
        else:
            self.content(response, answer, f"{place} {status}")

    def content(self, holder, value, place):
        schema = self.resolve(holder).get("content", {}).get("application/json", {}).get("schema")
        if schema and value is not None:
            self.problems += self.check(schema, value, place)

    def check(self, schema, value, place):
        """What is wrong with a value; notes the members that are right."""
        name = schema.get("$ref", "").rpartition("/")[2]
        schema = self.resolve(schema)
        if "oneOf" in schema:
            outcomes = [self.check(option, value, place) for option in schema["oneOf"]]
            fitting = [outcome for outcome in outcomes if not outcome]
            return [] if len(fitting) == 1 else [f"{place}: fits {len(fitting)} of {len(outcomes)} schemas: {value}"]
        if "const" in schema:
            return [] if value == schema["const"] else [f"{place}: {value} is not {schema['const']}"]
        kind = self.KINDS[schema["type"]]
        if not isinstance(value, kind) or isinstance(value, bool) and kind is not bool:
            return [f"{place}: {value!r} is no {schema['type']}"]
        if "enum" in schema and value not in schema["enum"]:
            return [f"{place}: {value!r} is none of {schema['enum']}"]
        problems = self.bounds(schema, value, place)
        if isinstance(value, list):
            for number, item in enumerate(value):
                problems += self.check(schema["items"], item, f"{place}[{number}]")
        if isinstance(value, dict):
            members = schema.get("properties", {})
            problems += [f"{place}.{missing} is missing" for missing in schema.get("required", []) if missing not in value]
            for key, item in value.items():
                rule = members.get(key) or schema.get("additionalProperties")
                if rule:
                    problems += self.check(rule, item, f"{place}.{key}")
                else:
                    problems.append(f"{place}.{key} is not described")
            if not problems and name:
                self.seen |= {f"{name}.{key}" for key in value if key in members}
        return problems

    @staticmethod
    def bounds(schema, value, place):
        """Which limits of its schema a value passes; texts are counted in bytes, as the broker does."""
        size = len(value.encode()) if isinstance(value, str) else len(value) if isinstance(value, list) else value
        least = schema.get("minLength", schema.get("minItems", schema.get("minimum")))
        most = schema.get("maxLength", schema.get("maxItems", schema.get("maximum")))
        problems = []
        if least is not None and size < least:
            problems.append(f"{place}: {size} is less than {least}")
        if most is not None and size > most:
            problems.append(f"{place}: {size} is more than {most}")
        if "pattern" in schema and not re.search(schema["pattern"], value):
            problems.append(f"{place}: {value!r} is not as {schema['pattern']}")
        return problems

    def unseen(self):
        """Operations and members that no exchange had."""
        wanted = {f"{method} {path}" for method, path, _ in self.operations()}
        for name, schema in self.root["components"]["schemas"].items():
            wanted |= {f"{name}.{member}" for member in schema.get("properties", {})}
        return sorted(wanted - self.seen)
