"""An exporter as many people would write it: prometheus_client with a custom
collector over what was last read from the API. A baseline for
scripts/bench-compare, with the same channel and client families.

usage: exporter.py API_BASE_URL PORT
"""

import json
import sys
import threading
import urllib.request
from datetime import datetime

from prometheus_client import start_http_server
from prometheus_client.core import REGISTRY, GaugeMetricFamily

PARTNER = "examplePA"
PAGE_SIZE = 200
CHANNEL = ["partner_id", "client_id", "channel_id"]
CLIENT = ["partner_id", "client_id"]
AVAILABILITY = ["ready", "setting_up", "error", "unknown"]
RATINGS = ["high", "medium", "low", "na", "unknown"]
SCORES = {"high": 3, "medium": 2, "low": 1}


def read(base_url, path, key):
    """All items of a paged list."""
    items = []
    while True:
        url = f"{base_url}/partners/{PARTNER}/{path}?limit={PAGE_SIZE}&offset={len(items)}&sort=id"
        with urllib.request.urlopen(urllib.request.Request(url, headers={"X-API-Key": "demo-key"})) as answer:
            page = json.load(answer)[key]
        if not page:
            return items
        items.extend(page)


def seconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def limit(tier):
    amount = tier.removeprefix("TIER_")
    if amount == "UNLIMITED":
        return float("inf")
    return float(amount.replace("K", "000").replace("M", "000000"))


class Collector:
    def __init__(self, clients, channels, read_at):
        self.clients = clients
        self.channels = channels
        self.read_at = read_at

    def collect(self):
        families = {}

        def add(name, names, values, value):
            family = families.get(name)
            if family is None:
                family = families[name] = GaugeMetricFamily(name, f"{name}, from background polling", labels=names)
            family.add_metric(values, value)

        names = {client["id"]: client["name"] for client in self.clients}
        counts = {}
        for channel in self.channels:
            client = channel["client_id"]
            counts[client] = counts.get(client, 0) + 1
            ids = [PARTNER, client, channel["id"]]
            setup = channel["setup_info"]
            add(
                "d360_channel_info",
                CHANNEL + ["client_name", "phone_number", "display_name", "waba_account_id"],
                ids + [names[client] or "", setup["phone_number"] or "", setup["phone_name"] or "", channel["waba_account_id"] or ""],
                1,
            )
            availability = channel["availability_status"]
            for state in AVAILABILITY:
                add("d360_channel_availability_status", CHANNEL + ["status"], ids + [state], int(state == availability))
            rating = (channel["current_quality_rating"] or "unknown").lower()
            for state in RATINGS:
                add("d360_channel_quality_rating", CHANNEL + ["rating"], ids + [state], int(state == rating))
            if rating in SCORES:
                add("d360_channel_quality_score", CHANNEL, ids, SCORES[rating])
            if channel["current_limit"] not in (None, "NA", "TIER_NOT_SET"):
                add("d360_channel_messaging_limit", CHANNEL, ids, limit(channel["current_limit"]))
            add("d360_channel_status", CHANNEL + ["status"], ids + [channel["status"]], 1)
            if channel["hub_status"]:
                add("d360_channel_hub_status", CHANNEL + ["status"], ids + [channel["hub_status"]], 1)
            if channel["current_quality_update_event"]:
                event = channel["current_quality_update_event"].lower()
                add("d360_channel_last_quality_event", CHANNEL + ["event"], ids + [event], 1)
            if channel["is_oba"] is not None:
                add("d360_channel_official_business_account", CHANNEL, ids, int(channel["is_oba"]))
            for field, family in [
                ("created_at", "created"), ("cancelled_at", "cancelled"), ("terminated_at", "termination"),
            ]:
                if channel[field]:
                    add(f"d360_channel_{family}_timestamp_seconds", CHANNEL, ids, seconds(channel[field]))
        for client in self.clients:
            ids = [PARTNER, client["id"]]
            add("d360_client_info", CLIENT + ["client_name"], ids + [client["name"] or ""], 1)
            add("d360_client_status", CLIENT + ["status"], ids + [client["status"].lower()], 1)
            add("d360_client_channels", CLIENT, ids, counts.get(client["id"], 0))
            if client["max_channels"] is not None:
                add("d360_client_max_channels", CLIENT, ids, client["max_channels"])
            add("d360_client_created_timestamp_seconds", CLIENT, ids, seconds(client["created_at"]))
            add("d360_client_up", CLIENT, ids, 1)
            add("d360_client_last_refresh_timestamp_seconds", CLIENT, ids, self.read_at)
        return families.values()


def main():
    base_url, port = sys.argv[1], int(sys.argv[2])
    clients, channels = read(base_url, "clients", "clients"), read(base_url, "channels", "partner_channels")
    collector = Collector(clients, channels, datetime.now().timestamp())
    # Else registering would collect everything once, for the names.
    collector.describe = list
    REGISTRY.register(collector)
    start_http_server(port, addr="127.0.0.1")
    threading.Event().wait()


main()
