"""The web server: metrics, who may ask, and nothing about students."""

import base64
import socket

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from agents.kafka.offsets import Offsets
from agents.web import CannotServe, OpenToNetwork, RoleTokens, WebServer
from tests.agents.situation import TOPIC, Situation, get, seen, served

__all__ = ["seen"]


async def test_metrics_are_in_prometheus_s_format_with_the_lag(seen: Situation) -> None:
    seen.offsets[TOPIC, 1] = Offsets(0, 9, 5)
    await seen.lag.measure()
    seen.metrics.updates.add(7)
    async with served(seen) as session, session.get("/metrics") as response:
        text, content_type = await response.text(), response.headers["Content-Type"]

    samples = {
        (sample.name, sample.labels.get("partition")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert content_type.startswith("text/plain; version=")
    assert samples["skillstream_updates_total", None] == 7
    assert samples["skillstream_consumer_lag_records", "1"] == 4
    assert samples["skillstream_consumer_lag_age_seconds", None] == 0


async def test_unknown_paths_and_methods_are_answered_in_json(seen: Situation) -> None:
    assert await get(seen, "/table/students/s1/") == (404, {"error": "not found"})
    assert await get(seen, "/table") == (404, {"error": "not found"})
    async with served(seen) as session, session.post("/health") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET,HEAD"
        assert await response.json() == {"error": "method not allowed"}


@pytest.mark.parametrize("path", ["/live", "/health", "/metrics", "/nowhere"])
async def test_head_answers_as_get_without_a_body_and_with_the_security_headers(seen: Situation, path: str) -> None:
    async with served(seen) as session, session.get(path) as full, session.head(path) as head:
        assert head.status == full.status
        assert await head.read() == b""
        for response in (full, head):
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Cache-Control"] == "no-store"
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
            assert "aiohttp" not in response.headers["Server"]


async def test_with_a_token_only_the_probes_are_open(seen: Situation) -> None:
    def basic(password: str) -> str:
        return "Basic " + base64.b64encode(f"me:{password}".encode()).decode()

    good = ("Bearer s3cret:ü", "bearer s3cret:ü", basic("s3cret:ü"))
    bad = (
        "",
        "Bearer",
        "Bearer s3cret",
        "Bearer ",
        "s3cret:ü",
        basic("other"),
        basic(""),
        "Basic ?",
        "Digest s3cret:ü",
    )
    async with served(seen, token="s3cret:ü", wrong_tokens_per_minute=1_000) as session:
        for path in ("/live", "/ready"):
            async with session.get(path) as response:
                assert response.status == 200
        for path in ("/health", "/health/detailed", "/metrics", "/nowhere"):
            for authorization in bad:
                async with session.get(path, headers={"Authorization": authorization}) as response:
                    assert response.status == 401, (path, authorization)
                    assert response.headers["WWW-Authenticate"].startswith("Basic ")
                    assert await response.json() == {"error": "a token is needed"}
        for authorization in good:
            async with session.get("/metrics", headers={"Authorization": authorization}) as response:
                assert response.status == 200, authorization


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1", "skillstream.example"])
async def test_without_a_token_it_refuses_to_be_reached_from_elsewhere(seen: Situation, host: str) -> None:
    with pytest.raises(OpenToNetwork, match="SKILLSTREAM_WEB_TOKEN"):
        WebServer(host, 0, health=seen.health, lag=seen.lag, metrics=seen.metrics)
    WebServer(host, 0, health=seen.health, lag=seen.lag, metrics=seen.metrics, tokens=RoleTokens("s3cret"))


async def test_a_port_in_use_is_told_with_what_to_do(seen: Situation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = WebServer("127.0.0.1", port, health=seen.health, lag=seen.lag, metrics=seen.metrics)
        with pytest.raises(CannotServe, match=rf"127\.0\.0\.1:{port}.*SKILLSTREAM_WEB_PORT"):
            await server.start()
        await server.stop()


async def test_stopping_closes_the_port_and_may_be_done_twice(seen: Situation) -> None:
    server = WebServer("127.0.0.1", 0, health=seen.health, lag=seen.lag, metrics=seen.metrics)
    await server.start()
    async with aiohttp.ClientSession(server.url) as session:
        async with session.get("/live") as response:
            assert response.status == 200
        await server.stop()
        await server.stop()
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get("/live")
