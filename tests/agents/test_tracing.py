"""Traces: a producer's trace goes on through the worker to the update and the explanation, and to a receiver."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiokafka.structs import ConsumerRecord
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agents.config.settings import Settings, SettingsError, load_settings
from agents.delivery.step import Output
from agents.metrics import Metrics
from agents.operations.doctor.checks import GivenSettings
from agents.tracing import Traced, TracedBatch, open_tracing
from agents.tracing.headers import sampled_context_in, trace_headers
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Deployment, deployed, owning_partition
from tests.agents.otlp_receiver import OtlpReceiver, ReceivedSpan
from tests.agents.single_students import FAST_LIMITS, many_of
from tests.servers.ports import free_ports

STAGES = {"fetch", "decode", "fold", "score", "encode", "send skill-updates"}
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
STRAY_TRACE = "a" * 32
TRACED, STRAY, UNTRACED = "traced-student", "stray-student", "untraced-student"


def traceparent(trace: str = TRACE, span: str = SPAN, flags: str = "01") -> tuple[str, bytes]:
    return "traceparent", f"00-{trace}-{span}-{flags}".encode()


# -- a worker, whole


@dataclass(frozen=True, slots=True)
class Observed:
    """What a worker left on the topics and at the receiver, once it has ended."""

    deployment: Deployment
    spans: list[ReceivedSpan]
    sent: bytes

    def context_of(self, topic: str, student: str) -> tuple[str, str]:
        """Trace and span in the headers of a student's last record on the student's own partition."""
        owner = owning_partition(student)
        (*_, record) = [
            each for each in self.deployment.records(topic) if (each.partition, each.key) == (owner, student.encode())
        ]
        _, trace, span, flags = dict(record.headers)["traceparent"].decode().split("-")
        assert flags == "01"
        return trace, span

    def span(self, id: str) -> ReceivedSpan:
        (found,) = [each for each in self.spans if each.id == id]
        return found


@pytest.fixture(scope="module")
def observed(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    """Traced events of a student who is explained, one of a student on a foreign partition, and others untraced."""
    with OtlpReceiver() as receiver:
        folder = tmp_path_factory.mktemp("traced")
        given = {
            "traces": receiver.url,
            "traces_ratio": 0,
            "traces_per_batch": 32,
            "model": "none",
            "reasoning": "scripted",
            **FAST_LIMITS,
        }
        with deployed(broker, folder, **given) as deployment:
            worker = deployment.start({"OTEL_BSP_SCHEDULE_DELAY": "200", "OTEL_EXPORTER_OTLP_TIMEOUT": "60"})
            worker.await_ready()
            foreign = (owning_partition(STRAY) + 1) % PARTITIONS
            strays = [
                replace(each, partition=foreign, headers=(traceparent(STRAY_TRACE),)) for each in many_of(STRAY, 1)
            ]
            traced = [replace(each, headers=(traceparent(),)) for each in many_of(TRACED, 12)]
            deployment.send([*traced, *many_of(UNTRACED, 3), *strays])
            deployment.await_caught_up()
            channel = deployment.channels.reasoning
            until(lambda: any(each.key == TRACED.encode() for each in deployment.records(channel)), "an explanation")
            _await_spans(deployment, receiver)
            assert worker.terminate() == 0
            yield Observed(deployment, receiver.spans, b"".join(receiver.bodies))


def _await_spans(deployment: Deployment, receiver: OtlpReceiver) -> None:
    """Until each span has arrived that a header names, and each that another one is in."""
    channels, so_far = deployment.channels, Observed(deployment, [], b"")
    topics = [(channels.updates, TRACED), (channels.reasoning, TRACED), (channels.updates, STRAY)]
    named = {so_far.context_of(*each)[1] for each in topics}

    def have_arrived() -> bool:
        spans = receiver.spans
        ids = {SPAN, "", *(span.id for span in spans)}
        return named <= ids and all(span.parent in ids for span in spans)

    until(have_arrived, "the spans")


def test_an_update_goes_on_from_the_span_of_the_worker_that_went_on_from_the_producers(observed: Observed) -> None:
    trace, span_id = observed.context_of(observed.deployment.channels.updates, TRACED)
    span = observed.span(span_id)

    assert trace == span.trace == TRACE
    assert span.parent == SPAN
    assert span.name == f"process {observed.deployment.channels.activity}"
    assert span.said["messaging.system"] == "kafka"
    assert span.said["messaging.destination.partition.id"] == str(owning_partition(TRACED))


def test_a_batch_has_a_span_for_each_stage_and_for_what_is_sent(observed: Observed) -> None:
    batches = [span for span in observed.spans if "messaging.batch.message_count" in span.said]
    prefix = str(observed.deployment.given()["topic_prefix"])
    assert batches

    for batch in batches:
        inside = [span for span in observed.spans if (span.trace, span.parent) == (batch.trace, batch.id)]
        follows = ("process", "explain")  # where a single traced record is the batch, what it led to is in it as well
        stages = {span.name: span for span in inside if not span.name.startswith(follows)}
        assert {name.replace(prefix, "") for name in stages} == STAGES
        assert all(batch.began_ns <= each.began_ns <= each.ended_ns <= batch.ended_ns for each in stages.values())


def test_an_event_that_is_sent_on_stays_in_its_trace(observed: Observed) -> None:
    channels = observed.deployment.channels
    trace, span_id = observed.context_of(channels.updates, STRAY)
    forwarded, first = observed.span(span_id), observed.span(observed.context_of(channels.activity, STRAY)[1])

    assert trace == forwarded.trace == first.trace == STRAY_TRACE
    assert forwarded.parent == first.id
    assert first.parent == SPAN


def test_an_explanation_goes_on_from_the_event_that_led_to_it(observed: Observed) -> None:
    trace, span_id = observed.context_of(observed.deployment.channels.reasoning, TRACED)
    span = observed.span(span_id)

    assert trace == span.trace == TRACE
    assert observed.span(span.parent).name == f"process {observed.deployment.channels.activity}"
    assert span.said["skillstream.generator"] == "scripted"


def test_what_no_traced_event_led_to_has_no_header_and_no_span_names_a_student(observed: Observed) -> None:
    channels = observed.deployment.channels
    untraced = [each for each in observed.deployment.records(channels.updates) if each.key == UNTRACED.encode()]

    assert untraced
    assert not any(each.headers for each in untraced)
    assert not any(student.encode() in observed.sent for student in (TRACED, STRAY, UNTRACED))


# -- a batch, by itself


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, no span is given up."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "120")
    monkeypatch.setattr("agents.tracing.tracing._END_S", 240.0)


def opened(url: str, metrics: Metrics | None = None, *, ratio: float = 0, per_batch: int = 32) -> Traced:
    given = Settings(traces=url, traces_ratio=ratio, traces_per_batch=per_batch)
    traced = open_tracing(given, "a client", metrics or Metrics())
    assert traced is not None
    return traced


def record(offset: int, *headers: tuple[str, bytes], partition: int = 0) -> ConsumerRecord:
    key = f"student-{partition}-{offset}".encode()
    return ConsumerRecord("student-activity", partition, offset, 1_000, 0, key, b"{}", None, 1, 1, headers)


@pytest.mark.usefixtures("patient")
async def test_a_batch_of_several_traced_records_is_linked_with_the_span_of_each() -> None:
    with OtlpReceiver() as receiver:
        traced = opened(receiver.url)
        given = {0: [record(1, traceparent("1" * 32)), record(2)], 3: [record(7, traceparent("2" * 32), partition=3)]}
        batch = traced.begin(given)
        assert batch is not None
        outputs = [Output("skill-updates", each.partition, each.key, b"{}") for some in given.values() for each in some]
        headers = [dict(output.headers) for output in batch.marked(outputs)]
        _finish(batch, 0, 3)
        await traced.aclose()
        spans = receiver.spans

    (whole,) = [span for span in spans if "messaging.batch.message_count" in span.said]
    assert whole.said["messaging.batch.message_count"] == "3"
    assert sorted(whole.links) == [("1" * 32, SPAN), ("2" * 32, SPAN)]
    single = {span.trace: span for span in spans if "messaging.kafka.offset" in span.said}
    assert {span.trace: span.links for span in single.values()} == {
        trace: [(whole.trace, whole.id)] for trace in ("1" * 32, "2" * 32)
    }
    assert [head.get("traceparent") for head in headers] == [
        traceparent("1" * 32, single["1" * 32].id)[1],
        None,
        traceparent("2" * 32, single["2" * 32].id)[1],
    ]


@pytest.mark.usefixtures("patient")
async def test_a_batch_without_a_trace_of_its_own_is_sampled_and_its_updates_are_not() -> None:
    with OtlpReceiver() as receiver:
        traced = opened(receiver.url, ratio=1)
        batch = traced.begin({0: [record(1), record(2, traceparent(flags="00"))]})
        assert batch is not None
        outputs = [Output("skill-updates", 0, record(offset).key, b"{}") for offset in (1, 2)]
        assert batch.marked(outputs) == outputs
        _finish(batch, 0)
        await traced.aclose()

        assert [span.name for span in receiver.spans if not span.parent] == ["process student-activity"]
        assert [said["service.instance.id"] for said in receiver.resources] == ["a client"]


@pytest.mark.usefixtures("patient")
async def test_of_a_batch_with_many_traced_records_so_many_go_on_as_are_set_and_the_rest_is_counted() -> None:
    with OtlpReceiver() as receiver:
        metrics = Metrics()
        traced = opened(receiver.url, metrics, per_batch=2)
        batch = traced.begin({0: [record(at, traceparent()) for at in range(5)]})
        assert batch is not None
        _finish(batch, 0)
        await traced.aclose()

        assert len([span for span in receiver.spans if "messaging.kafka.offset" in span.said]) == 2
        assert metrics.untraced_records.value == 3
        assert metrics.spans.values() == {"exported": len(receiver.spans), "failed": 0}


@pytest.mark.usefixtures("patient")
async def test_a_batch_that_fails_is_an_error_that_tells_no_more_than_its_type() -> None:
    with OtlpReceiver() as receiver:
        traced = opened(receiver.url)
        batch = traced.begin({0: [record(1, traceparent())]})
        assert batch is not None
        batch.failed(ValueError("what a student wrote"))
        await traced.aclose()

        assert [span.said["error.type"] for span in receiver.spans if span.is_error] == ["ValueError"]
        assert b"what a student wrote" not in b"".join(receiver.bodies)


async def test_a_receiver_that_is_away_costs_spans_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    metrics = Metrics()
    traced = opened(f"http://127.0.0.1:{free_ports(1)[0]}", metrics)
    batch = traced.begin({0: [record(1, traceparent())]})
    assert batch is not None
    _finish(batch, 0)
    await traced.aclose()
    until(lambda: metrics.spans.values()["failed"] > 0, "the export is given up")

    assert metrics.spans.values()["exported"] == 0


def _finish(batch: TracedBatch, *partitions: int) -> None:
    batch.sends(partitions)
    for partition in partitions:
        batch.confirmed(partition)


# -- headers and settings


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["traceparent", "tracestate", "other"]), st.binary(max_size=80) | st.none())))
@example([("traceparent", b"00-" + b"0" * 32 + b"-" + SPAN.encode() + b"-01")])
@example([("traceparent", b"ff-" + TRACE.encode() + b"-" + SPAN.encode() + b"-01")])
@example([traceparent(), ("tracestate", b"\xff=,,=" * 9)])
def test_no_header_is_so_strange_that_it_fails(headers: list[tuple[str, bytes | None]]) -> None:
    context = sampled_context_in(headers)

    if context is not None:
        assert sampled_context_in(trace_headers(context)) == context


def test_a_producers_state_is_passed_on() -> None:
    context = sampled_context_in([traceparent(), ("tracestate", b"vendor=value")])

    assert context is not None
    assert trace_headers(context) == (traceparent(), ("tracestate", b"vendor=value"))


def test_traces_are_off_unless_it_is_said_where_they_go() -> None:
    assert open_tracing(Settings(), "a client", Metrics()) is None


def test_without_opentelemetry_the_setting_is_refused_and_the_doctor_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "agents.tracing.tracing", None)

    with pytest.raises(SettingsError, match=r"pip install 'skillstream\[otel\]'"):
        opened("http://127.0.0.1:4318")
    said = [finding.said for finding in GivenSettings(Settings(traces="http://127.0.0.1:4318", reasoning="off")).run()]
    assert any("pip install 'skillstream[otel]'" in each for each in said)


@pytest.mark.parametrize("url", ["collector:4318", "grpc://collector:4317", "http://"])
def test_an_address_that_is_none_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="SKILLSTREAM_TRACES"):
        load_settings({"SKILLSTREAM_TRACES": url})
