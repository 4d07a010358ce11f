"""A worker with a limit of money: it is spent and not exceeded, the template goes on, and people can see it."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.agents.command import run_here
from tests.agents.delivery_cluster import until
from tests.agents.deployment import deployed
from tests.agents.environment import environment
from tests.agents.openai_thread import OpenAIThread
from tests.agents.single_students import FAST_LIMITS, many_of
from tests.agents.test_tenants import FILE as TENANTS
from tests.agents.test_tenants import sent
from tests.servers.openai import using
from tests.servers.redis import RealRedis

LIMIT_USD = 0.4
CALL_USD = (476 * 2 + 1_024 * 0.5 + 600 * 8) / 1e6
USED = using(
    prompt_tokens=1_500,
    completion_tokens=600,
    total_tokens=2_100,
    prompt_tokens_details={"cached_tokens": 1_024},
    completion_tokens_details={"reasoning_tokens": 64},
)
STUDENTS = [f"north:{number}" for number in range(80)]
EACH_ASKED = {**FAST_LIMITS, "cached_answers": 0}  # these students are all alike
KEY = {"OPENAI_API_KEY": "sk-loopback"}


@pytest.mark.long
def test_a_day_of_money_is_spent_and_not_exceeded_and_the_template_goes_on(broker: str, tmp_path: Path) -> None:
    with RealRedis() as redis, OpenAIThread() as provider:
        provider.plan(then=USED)
        limits = {"redis_url": redis.url, "usd_per_day": LIMIT_USD, "school_separator": ":", **EACH_ASKED}
        with deployed(broker, tmp_path, model="none", reasoning="openai", **limits) as deployment:
            around = {**KEY, "OPENAI_BASE_URL": provider.url}
            deployment.send(event for student in STUDENTS for event in many_of(student, 12))
            worker = deployment.start(around)
            until(lambda: len(deployment.explanations()) >= len(STUDENTS), "an explanation each")

            made = deployment.explanations()
            asked = [each for each in made if each.generator == "model"]
            assert {each.reason for each in made if each.generator == "template"} == {"spent"}
            assert len(provider.server.calls) == len(asked)
            bill_usd = len(asked) * CALL_USD
            assert LIMIT_USD - 0.06 < bill_usd <= LIMIT_USD
            for each in asked:
                assert each.usage is not None
                assert each.usage.cost_usd == pytest.approx(CALL_USD)
                assert (each.usage.cached_tokens, each.usage.reasoning_tokens) == (1_024, 64)

            said = _spend(environment(deployment.given(), around))
            assert said["limits"][0]["spent_usd"] == pytest.approx(bill_usd, rel=0.01)
            assert [(row["school"], row["calls"]) for row in said["days"] if row["calls"]] == [("north", len(asked))]
            metrics = worker.metrics()
            assert metrics["spend_usd_total"] == pytest.approx(bill_usd, rel=0.01)
            assert metrics['model_tokens_total{kind="cached",model="gpt-4.1-2026-01-01"}'] == 1_024 * len(asked)
            assert metrics['templates_total{reason="spent"}'] == len(made) - len(asked)
            assert metrics['budget_alerts_total{limit="usd/day 100%"}'] == 1
            budget = worker.get("/health/detailed").json["components"]["budget"]
            assert budget["status"] == "degraded"
            assert "the template explains until then" in budget["reason"]
            lines = [line for line in worker.log.splitlines() if "US dollars a day of the deployment are spent" in line]
            assert [line.split(" % of")[0].rsplit(" ", 1)[1] for line in lines] == ["50", "80", "100"]
            assert worker.terminate() == 0

        assert _spend(environment(deployment.given(), around))["days"] == said["days"]  # with no worker running


@pytest.mark.long
def test_a_tenant_spends_its_own_money_alone_and_the_other_s_students_are_explained(
    broker: str, tmp_path: Path
) -> None:
    file, limit_usd, students = tmp_path / "tenants.toml", 0.08, range(16)
    file.write_text(TENANTS.replace("[tenants.south]", f"usd_per_day = {limit_usd}\n[tenants.south]"))
    with RealRedis() as redis, OpenAIThread() as provider:
        provider.plan(then=USED)
        given = {"redis_url": redis.url, "tenants": file, **EACH_ASKED}
        with deployed(broker, tmp_path, model="none", reasoning="openai", **given) as deployment:
            deployment.send(
                sent(tenant, student, "", event.value)
                for tenant in ("north", "south")
                for student in (f"{tenant}:{number}" for number in students)
                for event in many_of(student, 12)
            )
            around = {**KEY, "OPENAI_BASE_URL": provider.url}
            worker = deployment.start(around)
            until(lambda: len(deployment.explanations()) >= 2 * len(students), "an explanation each")

            made = deployment.explanations()
            by_model = [each.student_id for each in made if each.generator == "model"]
            spent = [each.student_id for each in made if each.reason == "spent"]
            assert {student.split(":")[0] for student in spent} == {"north"}
            assert len([student for student in by_model if student.startswith("south:")]) >= len(students)
            bill_usd = len([student for student in by_model if student.startswith("north:")]) * CALL_USD
            assert 0 < bill_usd <= limit_usd

            said = {
                each["tenant"]: each["limits"][0] for each in _spend(environment(deployment.given(), around))["tenants"]
            }
            assert said["north"]["spent_usd"] == pytest.approx(bill_usd, rel=0.01)
            assert (said["north"]["limit_usd"], said["south"]["limit_usd"]) == (limit_usd, None)
            metrics = worker.metrics()
            assert metrics['tenant_explanations_total{outcome="template_spent",tenant="north"}'] == len(spent)
            assert metrics['tenant_spend_usd_total{tenant="north"}'] == pytest.approx(bill_usd, rel=0.01)
            assert metrics['tenant_budget_used_ratio{limit="usd/day",tenant="north"}'] == pytest.approx(
                bill_usd / limit_usd, rel=0.01
            )
            components = worker.get("/health/detailed").json["components"]
            assert components["budget"]["status"] == "ok"
            assert "north has no money left" in components["tenants"]["reason"]
            assert "US dollars a day of tenant north are spent" in worker.log
            assert worker.terminate() == 0


def test_a_class_of_whom_the_same_is_known_is_paid_for_once(broker: str, tmp_path: Path) -> None:
    students = STUDENTS[:20]
    with (
        OpenAIThread() as provider,
        deployed(broker, tmp_path, model="none", reasoning="openai", calls_at_once=1, **FAST_LIMITS) as deployment,
    ):
        deployment.send(event for student in students for event in many_of(student, 12))  # or one is asked of a part
        worker = deployment.start({**KEY, "OPENAI_BASE_URL": provider.url})
        until(lambda: len(deployment.explanations()) >= len(students), "an explanation each")

        made = deployment.explanations()
        assert {each.student_id for each in made} == set(students)
        assert len(provider.server.calls) == sum(each.usage is not None for each in made) == 1
        assert worker.metrics()["reused_answers_total"] == sum(each.reused is True for each in made) == len(made) - 1
        assert worker.terminate() == 0


def _spend(variables: dict[str, str]) -> dict[str, Any]:
    ran = run_here(variables, "spend", "--json")
    assert ran.code == 0, ran.err
    said: dict[str, Any] = orjson.loads(ran.out)
    return said
