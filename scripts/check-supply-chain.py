#!/usr/bin/env python3
"""Checks what is built in against deny.toml: licences, banned crates, sources.

This is the part of `cargo deny check` that needs neither network nor an
installation; the advisories need both.
"""

import json
import re
import subprocess
import sys
import tomllib


def allowed(expression, allow):
    """Whether an SPDX expression can be met with the allowed licences."""
    # Old manifests write a slash for OR.
    tokens = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))

    def alternatives():
        result = conjunction()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            result = conjunction() or result
        return result

    def conjunction():
        result = single()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            result = single() and result
        return result

    def single():
        token = tokens.pop(0)
        if token == "(":
            result = alternatives()
            tokens.pop(0)
            return result
        if tokens and tokens[0] == "WITH":
            del tokens[:2]
        return token in allow

    return alternatives()


def main():
    """Prints every breach; exit code 1 if there is any."""
    with open("deny.toml", "rb") as file:
        rules = tomllib.load(file)
    command = ["cargo", "metadata", "--format-version=1", "--locked"]
    packages = json.loads(subprocess.check_output(command, text=True))["packages"]
    banned = {rule["crate"] for rule in rules["bans"]["deny"]}
    breaches, used = [], set()
    for package in packages:
        name = f"{package['name']} {package['version']}"
        licence = package.get("license") or ""
        used.update(re.findall(r"[A-Za-z0-9.-]+", licence))
        if not licence or not allowed(licence, rules["licenses"]["allow"]):
            breaches.append(f"{name}: expected an allowed licence, found `{licence}`; see deny.toml")
        if package["name"] in banned:
            breaches.append(f"{name}: expected no such crate, found it; see deny.toml")
        source = package["source"]
        if source is not None and not source.startswith("registry+"):
            breaches.append(f"{name}: expected a registry's crate, found `{source}`")
    breaches += [f"{licence}: allowed, but no crate has it" for licence in rules["licenses"]["allow"] if licence not in used]
    print("\n".join(breaches) or f"{len(packages)} packages keep to deny.toml")
    return bool(breaches)


if __name__ == "__main__":
    sys.exit(main())
