"""The monitoring's own files, read: rules, their tests, dashboard; and which metrics a PromQL expression names."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from tests.container.files import ROOT

FOLDER: Final = ROOT / "deploy" / "monitoring"
DASHBOARD: Final = FOLDER / "grafana" / "dashboards" / "skillstream.json"
_NAME: Final = re.compile(r"\b(?:skillstream|kafka|process)_\w+|\bjob:[\w:]+")
_GRAFANA: Final = {"$__rate_interval": "1m", "$job": "skillstream", "$tenant": "north"}


def loaded(name: str) -> dict[str, Any]:
    """A YAML file of the folder."""
    document: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text("utf-8"))
    return document


def rules() -> list[dict[str, Any]]:
    """All rules, of alerts and of records."""
    return [rule for group in loaded("alerts.yml")["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    """By name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def panels() -> list[dict[str, Any]]:
    """The dashboard's, without the rows between them."""
    document: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    return [panel for panel in document["panels"] if panel["type"] != "row"]


def panel_queries() -> Iterator[tuple[str, str]]:
    """What each panel asks, by its title, with Grafana's variables filled in."""
    for panel in panels():
        for target in panel["targets"]:
            asked = target["expr"]
            for variable, value in _GRAFANA.items():
                asked = asked.replace(variable, value)
            yield panel["title"], asked


def metrics_in(asked: str) -> set[str]:
    """Names of metrics, as their declarations have them."""
    without_labels = re.sub(r'"[^"]*"', "", asked)
    return {re.sub(r"_(?:bucket|sum|count)$", "", name) for name in _NAME.findall(without_labels)}
