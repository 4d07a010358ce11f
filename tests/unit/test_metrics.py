"""Metrics: declared once, documented, bounded, and equal to what was counted."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from agents.metrics import Metrics
from agents.metrics.__main__ import page_of_metrics
from agents.metrics.ages import AgesHistogram
from agents.metrics.instruments import MAX_LABEL_VALUES, OTHER_LABEL
from schemas.dialects.mapping import Mapping
from schemas.dialects.vocabulary import Vocabulary
from streams.folding.counts import Counts
from streams.limits import Decision
from streams.spending.usage import TokenUsage

ROOT = Path(__file__).parents[2]


def exposed(metrics: Metrics) -> dict[tuple[str, tuple[str, ...]], float]:
    body, _ = metrics.render()
    samples = (sample for family in text_string_to_metric_families(body.decode()) for sample in family.samples)
    return {(sample.name, tuple(sample.labels.values())): sample.value for sample in samples}


def test_the_committed_page_is_what_the_declarations_say() -> None:
    assert (ROOT / "docs/metrics.md").read_text() == page_of_metrics(), (
        "run: python -m agents.metrics > docs/metrics.md"
    )


def test_every_metric_of_ours_that_is_exposed_is_documented_and_the_reverse() -> None:
    metrics = Metrics()
    families = {family.name for family in metrics.registry.collect() if not family.name.startswith("process_")}

    assert families == {declared.name.removesuffix("_total") for declared in metrics.declared}


def test_what_a_batch_came_to_is_added_up_by_outcome_and_reason() -> None:
    metrics = Metrics()
    batch = Counts(
        records_in=9, events_in=8, applied=4, late=1, ignored=1, duplicates=1, dead_lettered=2, rerouted=3, replayed=5
    )
    batch.reasons = Counter({"not_json": 2})
    metrics.add_counts(batch)
    metrics.add_counts(batch)

    assert metrics.records.value == 18
    assert metrics.events.values() == {
        "applied": 8,
        "late": 2,
        "ignored": 2,
        "duplicates": 2,
        "dead_lettered": 4,
        "rerouted": 6,
        "replayed": 10,
        "clamped": 0,
    }
    assert exposed(metrics)["skillstream_dead_letters_total", ("not_json",)] == 4


def test_every_event_is_in_one_of_the_disjoint_outcomes() -> None:
    metrics = Metrics()
    metrics.add_counts(
        Counts(events_in=21, applied=8, late=3, ignored=4, duplicates=4, retold=2, dead_lettered=5, clamped=2)
    )

    outcomes = metrics.event_outcomes.values()
    assert outcomes == {"applied_in_time": 5, "applied_late": 3, "ignored": 4, "duplicate": 4, "dead_lettered": 5}
    assert sum(outcomes.values()) == 21


def test_each_token_is_in_one_of_its_uses_whatever_a_provider_says_of_parts() -> None:
    metrics = Metrics()
    metrics.add_tokens("m", TokenUsage(100, 50, cached_tokens=30, reasoning_tokens=20))
    metrics.add_tokens("m", TokenUsage(10, 5, cached_tokens=99, reasoning_tokens=99))

    shown = exposed(metrics)
    used = {labels: sum for (name, labels), sum in shown.items() if name == "skillstream_model_token_uses_total"}
    assert used == {("m", "fresh_input"): 70, ("m", "cached_input"): 40, ("m", "answer"): 30, ("m", "reasoning"): 25}
    assert sum(used.values()) == sum(metrics.tokens.values().values()) == 165


def test_what_overlaps_is_said_not_to_add_up() -> None:
    adds_up = {declared.name: declared.adds_up for declared in Metrics().declared}

    assert {name for name, said in adds_up.items() if said == "by label"} == {
        "skillstream_events_total",
        "skillstream_model_tokens_total",
    }
    assert adds_up["skillstream_students"] == "yes"
    assert adds_up["skillstream_consumer_lag_records"] == adds_up["skillstream_budget_used_ratio"] == "no"


@settings(max_examples=40)
@given(
    st.lists(st.lists(st.integers(-1, 2_000), max_size=40), max_size=4),
    st.integers(0, 2_000),
)
def test_many_ages_at_once_are_counted_as_prometheus_would_one_by_one(batches: list[list[int]], now_ms: int) -> None:
    bounds_s = (0.005, 0.1, 0.25, 1)
    registry, one_by_one = CollectorRegistry(), CollectorRegistry()
    ages = AgesHistogram("age_seconds", "Age.", bounds_s)
    registry.register(ages)
    expected = Histogram("age_seconds", "Age.", registry=one_by_one, buckets=bounds_s)
    for batch in batches:
        ages.observe(np.array(batch, np.int64), now_ms)
        for since_ms in batch:
            if since_ms >= 0:
                expected.observe(max(0, now_ms - since_ms) / 1000)

    def samples(of: CollectorRegistry) -> dict[tuple[str, str], float]:
        parsed = text_string_to_metric_families(generate_latest(of).decode())
        return {(each.name, each.labels.get("le", "")): each.value for family in parsed for each in family.samples}

    assert samples(registry) == pytest.approx(samples(one_by_one))
    assert sum(ages.counts) == sum(since_ms >= 0 for batch in batches for since_ms in batch)


def test_label_values_are_bounded_and_none_is_lost() -> None:
    metrics = Metrics()
    for number in range(MAX_LABEL_VALUES + 36):
        metrics.dead_letters.add(f"reason_{number}")
    metrics.dead_letters.add("x" * 10_000)

    reasons = metrics.dead_letters.values()
    assert len(reasons) == MAX_LABEL_VALUES + 1
    assert reasons[OTHER_LABEL] == 37
    assert sum(reasons.values()) == MAX_LABEL_VALUES + 37


def test_only_names_of_our_tables_become_labels_and_no_event_is_lost() -> None:
    metrics = Metrics(vocabulary=Vocabulary(Mapping(xapi={"https://lms.example/verbs/peeked": "hint"})))
    made_up = {("xapi", f"urn:jane.doe-{number}@school.example"): 2 for number in range(500)}
    metrics.add_counts(Counts(unknown=Counter(made_up)))
    metrics.add_counts(
        Counts(
            unknown=Counter(
                {
                    ("xapi", "group_without_members"): 1,
                    ("xapi", "https://lms.example/verbs/peeked"): 1,
                    ("caliper", "Person"): 3,
                    ("caliper", "GradeEvent.Graded (no score)"): 4,
                    ("caliper", "GradeEvent.Graded (jane.doe@school.example)"): 5,
                    ("caliper", "Person (jane.doe@school.example)"): 6,
                    ("caliper", "jane.doe@school.example"): 7,
                    ("cloudevents", "com.example.jane.doe"): 8,
                    ("native", "voided_not_held"): 9,
                    ("native", "unknown_skill (jane.doe)"): 10,
                    ("native", "jane.doe"): 11,
                    ("never heard of", "jane.doe"): 12,
                }
            )
        )
    )

    name = "skillstream_unknown_events_total"
    noted = {labels: sum for (metric, labels), sum in exposed(metrics).items() if metric == name}
    assert noted == {
        ("xapi", OTHER_LABEL): 1000,
        ("xapi", "group_without_members"): 1,
        ("xapi", "https://lms.example/verbs/peeked"): 1,
        ("caliper", "Person"): 9,
        ("caliper", "GradeEvent.Graded (no score)"): 4,
        ("caliper", "GradeEvent.Graded"): 5,
        ("caliper", OTHER_LABEL): 7,
        ("cloudevents", OTHER_LABEL): 8,
        ("native", "voided_not_held"): 9,
        ("native", "unknown_skill"): 10,
        ("native", OTHER_LABEL): 11,
        ("never heard of", OTHER_LABEL): 12,
    }
    assert "jane" not in metrics.render()[0].decode()


def test_limits_are_counted_by_what_refused() -> None:
    metrics = Metrics()
    for bucket in (None, "calls/minute", "calls/minute", "hold", None):
        metrics.decided(Decision("openai_reasoning", bucket))

    assert metrics.calls_granted.value == 2
    assert metrics.calls_refused.values() == {"calls/minute": 2, "hold": 1}


def test_a_gauge_is_unknown_until_it_is_set_and_again_when_told_so() -> None:
    metrics = Metrics()
    assert exposed(metrics)["skillstream_students", ()] != exposed(metrics)["skillstream_students", ()]  # NaN
    metrics.students.set(3)
    assert exposed(metrics)["skillstream_students", ()] == 3
    metrics.students.set(None)
    assert metrics.students.value != metrics.students.value


def test_gauges_are_refreshed_whenever_somebody_looks() -> None:
    metrics, students = Metrics(), [5.0, 7.0]
    metrics.before_render(lambda: metrics.students.set(students.pop(0)))

    assert exposed(metrics)["skillstream_students", ()] == 5
    assert exposed(metrics)["skillstream_students", ()] == 7


def test_a_sum_kept_elsewhere_is_followed_and_never_falls() -> None:
    metrics = Metrics()
    for total in (3, 3, 8, 2):
        metrics.not_explained.raise_to(total)

    assert metrics.not_explained.value == 8


def test_two_workers_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.updates.add(4)

    assert (one.updates.value, other.updates.value) == (4, 0)


def test_a_misspelt_metric_or_label_fails_type_checking(tmp_path: Path) -> None:
    wrong = ["metrics.upadtes.add()", "metrics.events.add('aplied')", "metrics.tokens.add('in')"]
    module = tmp_path / "misspelt.py"
    lines = ["from agents.metrics import Metrics", "metrics = Metrics()", "metrics.updates.add()", *wrong]
    module.write_text("\n".join(lines) + "\n")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", str(module)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    found = [int(line.split(":")[1]) for line in checked.stdout.splitlines() if "misspelt.py:" in line]
    assert found == [4, 5, 6], checked.stdout + checked.stderr
