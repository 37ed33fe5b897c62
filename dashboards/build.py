#!/usr/bin/env python3
"""Writes the dashboards from their source in dashboards/source, with Grafana's foundation SDK.

    build.py [DIRECTORY]     *.json; default is the directory of this file

The SDK is pinned in scripts/python-packages.txt; PYTHONPATH has to lead to it (`make dashboards` takes care of that).
"""

import json
import pathlib
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from source import channel, exporter, fleet

HERE = pathlib.Path(__file__).parent

def numbered(board):
    """Panels get ids in their order: links to a panel hold until panels move."""
    ids = iter(range(1, 1000))
    for panel in board["panels"]:
        panel["id"] = next(ids)
        for inner in panel.get("panels", []):
            inner["id"] = next(ids)
    return board


def main(arguments):
    """Writes all of them."""
    target = pathlib.Path(arguments[0]) if arguments else HERE
    for name, module in (("channel", channel), ("exporter", exporter), ("fleet", fleet)):
        board = json.loads(JSONEncoder().encode(module.build().build()))
        text = json.dumps(numbered(board), indent=1, ensure_ascii=False, sort_keys=True)
        (target / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
