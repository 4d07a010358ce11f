"""What Prometheus itself says of metrics, alerts and dashboard: its tool, and a server that reads a worker's page."""

import json
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.parse import quote
from urllib.request import urlopen

import numpy as np
import pytest
import yaml

from agents.metrics import Metrics
from streams.folding.counts import Counts
from streams.spending.usage import TokenUsage
from tests.agents.delivery_cluster import until
from tests.container.monitoring import FOLDER, panel_queries
from tests.servers.child import Child
from tests.servers.ports import free_ports
from tests.servers.promtool import judged, prometheus_program

pytestmark = pytest.mark.long
_START_TIMEOUT_S: Final = 180.0


def _metrics() -> Metrics:
    metrics = Metrics()
    metrics.add_counts(Counts(records_in=1, events_in=1, dead_lettered=1, reasons=Counter({"not_json": 1})))
    metrics.add_tokens("a model", TokenUsage(1, 1))
    metrics.latency_s.observe(np.zeros(20, np.int64), 5_000.0)
    metrics.lag_records.replace({("student-activity", "0"): 7.0})
    metrics.built("a version", "a model")
    return metrics


def test_promtool_finds_nothing_to_say_of_the_metrics() -> None:
    said = judged("check", "metrics", given=_metrics().render()[0])

    assert (said.returncode, said.stdout, said.stderr) == (0, b"", b"")


def test_each_alert_fires_where_it_must_and_nowhere_else() -> None:
    said = judged("test", "rules", str(FOLDER / "alerts.test.yml"))

    assert said.returncode == 0, (said.stdout + said.stderr).decode()


def test_an_alert_that_would_not_fire_is_noticed(tmp_path: Path) -> None:
    deaf = (FOLDER / "alerts.yml").read_text("utf-8").replace("skillstream_budget_used_ratio", "skillstream_budget")
    (tmp_path / "alerts.yml").write_text(deaf, "utf-8")
    (tmp_path / "alerts.test.yml").write_text((FOLDER / "alerts.test.yml").read_text("utf-8"), "utf-8")

    assert judged("test", "rules", str(tmp_path / "alerts.test.yml")).returncode != 0


def test_the_configuration_of_the_compose_file_is_one(tmp_path: Path) -> None:
    config = (FOLDER / "prometheus.yml").read_text("utf-8").replace("/tmp/", f"{tmp_path}/")
    (tmp_path / "prometheus.yml").write_text(config, "utf-8")
    (tmp_path / "alerts.yml").write_text((FOLDER / "alerts.yml").read_text("utf-8"), "utf-8")
    (tmp_path / "skillstream-web-token").write_text("a token", "utf-8")

    said = judged("check", "config", str(tmp_path / "prometheus.yml"))

    assert said.returncode == 0, (said.stdout + said.stderr).decode()


@pytest.fixture
def page() -> Iterator[str]:
    """Address of a worker's metrics."""
    body, content_type = _metrics().render()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def prometheus(page: str, tmp_path: Path) -> Iterator[str]:
    """URL of a Prometheus that has the alerts, and reads the page."""
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(FOLDER / "alerts.yml")]
    config["scrape_configs"] = [{"job_name": "skillstream", "static_configs": [{"targets": [page]}]}]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config), "utf-8")
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    server = Child("Prometheus", tmp_path / "prometheus.log")
    server.start(
        [
            prometheus_program(),
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
    )
    try:
        server.await_answer(lambda: _answers(f"{url}/-/ready"), _START_TIMEOUT_S)
        yield url
    finally:
        server.kill()


def test_a_server_takes_a_workers_page_and_answers_what_the_dashboard_asks(prometheus: str) -> None:
    until(lambda: _result(prometheus, "skillstream_build_info"), "the page is read", _START_TIMEOUT_S)

    (target,) = _asked(prometheus, "targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    [dead] = _result(prometheus, 'skillstream_event_outcomes_total{outcome="dead_lettered"}')
    assert dead["value"][1] == "1"
    for title, query in panel_queries():
        assert isinstance(_result(prometheus, query), list), title
    until(lambda: _rules_are_evaluated(prometheus), "the rules are evaluated", _START_TIMEOUT_S)


def _rules_are_evaluated(url: str) -> bool:
    rules = [rule for group in _asked(url, "rules")["groups"] for rule in group["rules"]]
    assert not [rule["lastError"] for rule in rules if rule.get("lastError")]
    return bool(rules) and all(rule["health"] == "ok" for rule in rules)


def _result(url: str, query: str) -> Any:
    return _asked(url, f"query?query={quote(query)}")["result"]


def _asked(url: str, what: str) -> Any:
    with urlopen(f"{url}/api/v1/{what}", timeout=60) as answer:
        return json.load(answer)["data"]


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
