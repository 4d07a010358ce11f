"""Alerts, dashboard, runbook and compose file agree with each other and with the metrics. Promtool judges them in
tests/integration/test_prometheus.py.
"""

import re
from itertools import combinations
from typing import Any

import pytest

from agents.config.settings import load_settings
from agents.metrics import Metrics
from agents.metrics.declared.gateway import GatewayMetrics
from tests.container.files import ROOT, compose, final
from tests.container.monitoring import FOLDER, alerts, loaded, metrics_in, panel_queries, panels, rules

DECLARED = {metric.name: metric for metric in (*Metrics().declared, *GatewayMetrics().declared)}
RECORDED = {rule["record"] for rule in rules() if "record" in rule}
ASKED = [*panel_queries(), *((rule.get("alert") or rule["record"], rule["expr"]) for rule in rules())]
SERVICES: dict[str, dict[str, Any]] = compose()["services"]


@pytest.mark.parametrize(("title", "asked"), ASKED)
def test_every_metric_that_is_asked_for_exists(title: str, asked: str) -> None:
    ours = {name for name in metrics_in(asked) if not name.startswith("process_")}

    assert ours <= DECLARED.keys() | RECORDED, title
    assert metrics_in(asked) or "up{" in asked


def test_a_misspelt_metric_would_be_found() -> None:
    assert metrics_in('sum(rate(skillstream_evnts_total{a="skillstream_x"}[5m]))') == {"skillstream_evnts_total"}
    assert metrics_in("histogram_quantile(0.9, skillstream_step_duration_seconds_bucket)") <= DECLARED.keys()


def sums_of(asked: str) -> set[str]:
    return metrics_in(" ".join(re.findall(r"\bsum(?: by \([^)]*\))? ?\((?:rate\(|increase\()?(\w+)", asked)))


@pytest.mark.parametrize(("title", "asked"), ASKED)
def test_nothing_is_summed_that_does_not_add_up(title: str, asked: str) -> None:
    summed = {name: DECLARED[name].adds_up for name in sums_of(asked) & DECLARED.keys()}

    assert set(summed.values()) <= {"yes"}, (title, summed)


def test_a_sum_would_be_found() -> None:
    lag, outcomes = "skillstream_consumer_lag_records", "skillstream_events_total"
    asked = f"sum by (topic) ({lag}) / sum(rate({outcomes}[5m])) + max(skillstream_students)"

    assert sums_of(asked) == {lag, outcomes}


@pytest.mark.parametrize("name", alerts())
def test_each_alert_has_a_paragraph_in_the_runbook_and_says_whom_it_wakes(name: str) -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text("utf-8")
    alert = alerts()[name]

    assert alert["annotations"]["runbook_url"] == f"docs/runbook.md#{name.lower()}"
    assert re.search(rf"^### {name}\n\n\S", runbook, re.MULTILINE)
    assert alert["labels"]["severity"] in ("page", "ticket")
    assert alert["annotations"]["summary"]


def test_the_runbook_speaks_of_no_alert_that_is_not_there() -> None:
    headings = re.findall(r"^### (\w+)$", (ROOT / "docs" / "runbook.md").read_text("utf-8"), re.MULTILINE)

    assert sorted(headings) == sorted(alerts())


def test_each_alert_is_tried_where_it_must_fire_and_where_it_must_not() -> None:
    tried = [alert for case in loaded("alerts.test.yml")["tests"] for alert in case["alert_rule_test"]]

    assert {alert["alertname"] for alert in tried if alert["exp_alerts"]} == alerts().keys()
    assert {alert["alertname"] for alert in tried if not alert["exp_alerts"]} == alerts().keys()


def test_the_panels_lie_beside_each_other_and_each_has_a_title_of_its_own() -> None:
    placed = [(panel["title"], panel["gridPos"]) for panel in panels()]

    assert len({title for title, _ in placed}) == len({panel["id"] for panel in panels()}) == len(placed)
    for title, at in placed:
        assert at["x"] + at["w"] <= 24, title
    for (title, one), (other_title, other) in combinations(placed, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (title, other_title)


def test_prometheus_finds_workers_and_gateways_of_the_compose_file_and_has_their_tokens() -> None:
    core, gateway, demo = loaded("prometheus.yml")["scrape_configs"]
    prometheus, pages = SERVICES["prometheus"], final("EXPOSE")
    of_gateway = SERVICES["gateway"]["environment"]["SKILLSTREAM_GATEWAY_PORT"]

    for job, service, port in ((core, "worker", pages), (gateway, "gateway", of_gateway), (demo, "demo-worker", pages)):
        (found,) = job["dns_sd_configs"]
        assert found["names"] == [service]
        assert str(found["port"]) == port
        assert SERVICES[service]
    assert gateway["authorization"] == core["authorization"]
    assert f"> {core['authorization']['credentials_file']}\n" in prometheus["command"][0]
    assert prometheus["environment"]["SKILLSTREAM_WEB_TOKEN"] == "${SKILLSTREAM_WEB_TOKEN:-}"
    settings = load_settings(SERVICES["demo-worker"]["environment"])
    assert demo["authorization"]["credentials"] == settings.web_token
    assert settings.web_host == "0.0.0.0"
    assert not any("ports" in service for name, service in SERVICES.items() if name.startswith("demo"))


def test_grafana_is_given_the_dashboard_and_asks_the_prometheus_beside_it() -> None:
    grafana, prometheus = SERVICES["grafana"], SERVICES["prometheus"]
    (source,) = loaded("grafana/provisioning/datasources/prometheus.yml")["datasources"]
    (provider,) = loaded("grafana/provisioning/dashboards/skillstream.yml")["providers"]
    mounts = dict(reversed(mount.removesuffix(":ro").split(":")) for mount in grafana["volumes"])

    assert source["url"] == f"http://prometheus:{prometheus['ports'][0].rsplit(':', 1)[1]}"
    assert (ROOT / mounts[provider["options"]["path"]]).resolve() == FOLDER / "grafana" / "dashboards"
    assert (ROOT / mounts["/etc/grafana/provisioning"]).resolve() == FOLDER / "grafana" / "provisioning"
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home.startswith(provider["options"]["path"])


@pytest.mark.parametrize("name", ["prometheus", "grafana"])
def test_what_watches_is_pinned_and_may_gain_nothing(name: str) -> None:
    service = SERVICES[name]

    assert re.fullmatch(r"[\w/]+:v?\d+\.\d+\.\d+@sha256:[0-9a-f]{64}", service["image"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["profiles"] == ["monitoring"]
    assert "healthcheck" in service
