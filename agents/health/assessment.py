"""From a snapshot to a report: the rules of what counts as ok, degraded and down."""

from collections.abc import Iterable, Iterator
from typing import Final

from agents.health.lag.bounds import how_far_behind
from agents.health.report import ComponentState, HealthReport
from agents.health.snapshot import Snapshot
from schemas.errors import SkillstreamError

_MOST_TENANTS: Final = 8


def assess(seen: Snapshot) -> HealthReport:
    """Judge what was seen.

    Down: no broker, a table not restored, agents that stopped or stall; a worker then cannot do its job. Only the last
    two are mended by a restart. Far behind is failing: the worker goes on, since only that mends it, and stays ready.
    All else is degraded at worst: scores go on, with less to rest on.
    """
    components = (
        _broker(seen),
        _table(seen),
        _agents(seen),
        _input(seen),
        _lag(seen),
        _redis(seen),
        _key(seen),
        _reasoning(seen),
        _budget(seen),
        _model(seen),
        _config(seen),
        _norms(seen),
        _repeats(seen),
        *_tenants(seen),
        *_identities(seen),
    )
    down = {component.name for component in components if component.status == "down"}
    return HealthReport(components, live="agents" not in down, ready=not down)


def _broker(seen: Snapshot) -> ComponentState:
    if seen.broker_outage is not None:
        return ComponentState("broker", "degraded", f"{seen.broker.where}: away, and waited for: {seen.broker_outage}")
    if seen.broker.problem is not None:
        return ComponentState("broker", "down", f"{seen.broker.where}: {seen.broker.problem}")
    return ComponentState("broker", "ok", f"{seen.broker.where} answers")


def _table(seen: Snapshot) -> ComponentState:
    if not seen.table_recovered:
        return ComponentState(
            "table", "down", "not restored from its changelog yet, or partitions are being reassigned"
        )
    if not seen.owned:
        return ComponentState("table", "ok", "this worker owns no partition: others have them all")
    return ComponentState("table", "ok", f"restored; {_partitions(seen.owned)}")


def _agents(seen: Snapshot) -> ComponentState:
    if seen.failure is not None:
        return ComponentState("agents", "down", f"stopped: {description_of(seen.failure)}")
    if seen.stalled_s:
        longest_s = max(seen.stalled_s.values())
        where = _partitions(seen.stalled_s)
        return ComponentState(
            "agents", "down", f"stalled: no progress for {longest_s:.0f} s on {where}, with records waiting"
        )
    if seen.recovery_stalled_s is not None:
        return ComponentState(
            "agents", "down", f"stalled: nothing of the table was restored for {seen.recovery_stalled_s:.0f} s"
        )
    return ComponentState("agents", "ok", "progressing, or nothing to do")


def _input(seen: Snapshot) -> ComponentState:
    if seen.jumped is not None:
        return ComponentState("input", "degraded", f"records were lost to retention: {seen.jumped}")
    return ComponentState("input", "ok", "no position jumped since the start")


def _lag(seen: Snapshot) -> ComponentState:
    if seen.lag.problem is not None:
        return ComponentState("lag", "degraded", f"unknown: {seen.lag.problem}")
    missing = len(seen.lag.offsets) - len(seen.lag.records)
    if missing:
        return ComponentState(
            "lag", "degraded", f"more was committed than there is, on {missing} partitions: a new topic?"
        )
    said = how_far_behind(seen.lag)
    if seen.lag_bounds.is_failing(seen.lag):
        return ComponentState("lag", "failing", said)
    held = {part: held for part, held in seen.lag.held.items() if held.for_s >= seen.held_bearable_s}
    if held:
        records = sum(each.records for each in held.values())
        (topic, partition), longest = max(held.items(), key=lambda each: each[1].for_s)
        return ComponentState(
            "lag",
            "degraded",
            f"{records} records wait for an open transaction on {len(held)} partitions, those of {topic}/{partition} "
            f"for {longest.for_s:.0f} s: end it, or the producer that holds it",
        )
    return ComponentState("lag", "degraded" if seen.lag_bounds.is_degraded(seen.lag) else "ok", said)


def _redis(seen: Snapshot) -> ComponentState:
    if seen.redis is None:
        return ComponentState("redis", "ok", "not configured: limits are kept in this process")
    if seen.redis.problem is not None:
        return ComponentState(
            "redis", "degraded", f"{seen.redis.where}: {seen.redis.problem}; only this worker's share may be spent"
        )
    return ComponentState("redis", "ok", f"{seen.redis.where} answers")


def _key(seen: Snapshot) -> ComponentState:
    if seen.reasoning.mode != "openai":
        return ComponentState("key", "ok", f"none needed: reasoning is {seen.reasoning.mode}")
    if not seen.reasoning.key_present:
        return ComponentState("key", "degraded", "OPENAI_API_KEY is not set: nothing can be explained")
    return ComponentState("key", "ok", "present")


def _reasoning(seen: Snapshot) -> ComponentState:
    if seen.reasoning.blocked is not None:
        return ComponentState("reasoning", "degraded", f"no calls are made: {seen.reasoning.blocked}")
    if seen.reasoning.failing is not None:
        return ComponentState("reasoning", "degraded", f"no explanations are made: {seen.reasoning.failing}")
    states = {
        "off": "off, by configuration",
        "scripted": "scripted, by configuration: no model is asked",
        "templates": "templates: a model is asked in English alone",
        "openai": "on",
    }
    return ComponentState("reasoning", "ok", states[seen.reasoning.mode])


def _budget(seen: Snapshot) -> ComponentState:
    if seen.reasoning.unpaid is not None:
        return ComponentState("budget", "degraded", seen.reasoning.unpaid)
    return ComponentState("budget", "ok", seen.reasoning.spent or "no limit of money")


def _model(seen: Snapshot) -> ComponentState:
    if seen.failing_sources:
        failing = ", ".join(sorted(seen.failing_sources))
        return ComponentState("model", "degraded", f"{seen.model}; updates lack sources that fail: {failing}")
    if not seen.model_skills:
        return ComponentState("model", "ok", f"{seen.model}: no models, scores rest on the other sources")
    return ComponentState("model", "ok", f"{seen.model}, for {seen.model_skills} skills")


def _config(seen: Snapshot) -> ComponentState:
    if seen.config.problem is not None:
        return ComponentState("config", "degraded", f"{seen.config.version} stays in force: {seen.config.problem}")
    return ComponentState("config", "ok", f"{seen.config.version} is in force")


def _norms(seen: Snapshot) -> ComponentState:
    norms = seen.norms
    if norms.off:
        return ComponentState("norms", "ok", "off, by configuration")
    said = "none yet: too few students" if norms.version is None else f"{norms.version}, number {norms.number}"
    if norms.problem is not None:
        return ComponentState("norms", "degraded", f"{said}; scores go on: {norms.problem}")
    return ComponentState("norms", "ok", said if norms.version is None else f"{said}, is in force")


def _repeats(seen: Snapshot) -> ComponentState:
    """Never degraded: an event that comes so late is right as often as it is a repeat."""
    if not seen.beyond_horizon:
        return ComponentState("repeats", "ok", "all that came again since the start were known")
    reason = f"{seen.beyond_horizon} events since the start are late, or repeats too old to be known"
    return ComponentState(
        "repeats", "ok", f"{reason}: if a platform sends its history again, raise SKILLSTREAM_KNOWN_IDS"
    )


def _tenants(seen: Snapshot) -> Iterator[ComponentState]:
    """Only where there are any."""
    unpaid = sorted(seen.reasoning.unpaid_tenants.items())[:_MOST_TENANTS]
    said = [f"{tenant} has no money left, the template explains to it alone: {spent}" for tenant, spent in unpaid]
    if seen.held:
        held = "; ".join(
            f"{tenant} on {_partitions(partitions)}" for tenant, partitions in sorted(seen.held.items())[:_MOST_TENANTS]
        )
        said.insert(0, f"held for too many dead letters, the others go on: {held}: skillstream tenants release")
    if seen.held is not None or said:
        yield ComponentState("tenants", "degraded" if said else "ok", "; ".join(said) or "none is held")


def _identities(seen: Snapshot) -> Iterator[ComponentState]:
    """Only where they are on."""
    if (state := seen.identities) is None:
        return
    if state.problem is not None:
        yield ComponentState("identities", "degraded", f"{state.problem}; {state.entries} other ids are known")
    elif not state.is_read:
        yield ComponentState("identities", "degraded", "being read: nobody is known by another id yet")
    else:
        yield ComponentState("identities", "ok", f"{state.entries} other ids of students are known")


def description_of(failure: BaseException) -> str:
    """The message of an error of ours; of another only the type, since it may quote what a student wrote."""
    name = type(failure).__name__
    return f"{name}: {failure}" if isinstance(failure, SkillstreamError) else name


def _partitions(numbers: Iterable[int]) -> str:
    listed = sorted(numbers)
    shown = ", ".join(map(str, listed[:16])) + (", …" if len(listed) > 16 else "")
    return f"partition{'s' if len(listed) > 1 else ''} {shown}"
