#!/usr/bin/env python3
"""Writes a software bill of materials (CycloneDX 1.5, JSON) of the program.

Made from `cargo metadata`: the crates that are built in, without those that
only tests, benchmarks and build scripts use.
"""

import json
import subprocess
import sys


def built_in(metadata):
    """The ids of the packages that end up in the program."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    todo, seen = [metadata["resolve"]["root"]], set()
    while todo:
        package = todo.pop()
        if package in seen:
            continue
        seen.add(package)
        for dependency in nodes[package]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                todo.append(dependency["pkg"])
    return seen


def component(package, kind):
    """One crate."""
    return {
        "type": kind,
        "name": package["name"],
        "version": package["version"],
        "purl": f"pkg:cargo/{package['name']}@{package['version']}",
        "licenses": [{"expression": package["license"]}] if package.get("license") else [],
    }


def main():
    """Prints the document."""
    host = next(
        line.split(": ")[1]
        for line in subprocess.check_output(["rustc", "-vV"], text=True).splitlines()
        if line.startswith("host: ")
    )
    command = ["cargo", "metadata", "--format-version=1", "--locked", "--filter-platform", host]
    metadata = json.loads(subprocess.check_output(command, text=True))
    packages = {package["id"]: package for package in metadata["packages"]}
    root = metadata["resolve"]["root"]
    parts = sorted(built_in(metadata) - {root}, key=lambda i: (packages[i]["name"], packages[i]["version"]))
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(packages[root], "application")},
        "components": [component(packages[part], "library") for part in parts],
    }
    json.dump(document, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
