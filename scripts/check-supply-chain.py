#!/usr/bin/env python3
"""Checks what is built in against deny.toml: licences, banned crates, sources and, where they can be had, advisories.

`cargo deny check` does more, and needs an installation and a network, which a submission has not. Licences, bans and
sources are therefore judged here, from `cargo metadata` alone. Advisories need a database: they are checked by
cargo-deny if it is installed and can fetch that database, and otherwise the last line says that they were not.

    check-supply-chain.py [METADATA]     the output of `cargo metadata`, instead of this directory's; no advisories then
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib

# SHA-256 of the index of Cargo's default registry.
DEFAULT_REGISTRY = "d2a97a7c0ce0ab3aa045f18ee7e877a76ef25606a002f8dcfe95e952db4186b8"


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


def package_breaches(package, rules):
    """What is wrong with one crate."""
    name = f"{package['name']} {package['version']}"
    licence, source = package.get("license") or "", package["source"]
    if not licence or not allowed(licence, rules["licenses"]["allow"]):
        yield f"{name}: expected an allowed licence, found `{licence}`; see deny.toml"
    if package["name"] in {rule["crate"] for rule in rules["bans"]["deny"]}:
        yield f"{name}: expected no such crate, found it; see deny.toml"
    # A crate without a source is this repository's own.
    kind, _, index = (source or "").partition("+")
    if source is None:
        return
    if kind not in ("registry", "sparse"):
        yield f"{name}: expected a registry's crate, found `{source}`"
    elif hashlib.sha256(index.rstrip("/").encode()).hexdigest() != DEFAULT_REGISTRY:
        yield f"{name}: expected a registry that deny.toml allows, found `{source}`"


def advisories():
    """Runs cargo-deny if it can be: its verdict in a sentence, and whether it found something."""
    if shutil.which("cargo-deny") is None:
        return "advisories: not checked, cargo-deny is not installed", False
    fetched = subprocess.run(["cargo-deny", "fetch", "db"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if fetched.returncode != 0:
        return "advisories: not checked, cargo-deny cannot fetch the database", False
    checked = subprocess.run(["cargo-deny", "check", "--disable-fetch", "advisories"])
    if checked.returncode != 0:
        return "advisories: expected none, found what stands above", True
    return "advisories: none", False


def main(arguments):
    """Prints every breach; exit code 1 if there is any."""
    with open("deny.toml", "rb") as file:
        rules = tomllib.load(file)
    if arguments:
        with open(arguments[0], encoding="utf-8") as file:
            metadata = json.load(file)
    else:
        command = ["cargo", "metadata", "--format-version=1", "--locked"]
        metadata = json.loads(subprocess.check_output(command, text=True))
    packages = metadata["packages"]
    breaches = [breach for package in packages for breach in package_breaches(package, rules)]
    if not arguments:
        used = {word for package in packages for word in re.findall(r"[A-Za-z0-9.-]+", package.get("license") or "")}
        unused = [licence for licence in rules["licenses"]["allow"] if licence not in used]
        breaches += [f"{licence}: allowed, but no crate has it" for licence in unused]
    print("\n".join(breaches) or f"{len(packages)} packages keep to deny.toml")
    vulnerable = False
    if not arguments:
        verdict, vulnerable = advisories()
        print(verdict)
    return bool(breaches) or vulnerable


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
