"""What is configured, as people and programs read it."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from rich.table import Table
from rich.text import Text

from agents.display.plain import printable
from agents.fusion_config.deployed import DeployedConfig
from schemas.fusion_config import RESCORE_KEY, FusionOverrides, Overrides
from streams.scoring.config_log import ConfigEntry, ConfigRecord, RefusedEntry, RescoreEntry, key_of
from streams.scoring.overrides import Configured, weights_of


def numbers_of(configured: Configured) -> dict[str, float]:
    """All that can be overridden, by its name: `weights.<skill>.<source>`, `levels.<name>`, `fusion.<name>`."""
    skill_set = configured.skill_set
    return {
        **{
            f"weights.{skill}.{source}": weight
            for skill, of_skill in weights_of(*configured).items()
            for source, weight in of_skill.items()
        },
        **{f"levels.{name}": value for name, value in msgspec.structs.asdict(skill_set.levels).items()},
        **{f"fusion.{name}": getattr(skill_set.fusion, name) for name in FusionOverrides.__struct_fields__},
    }


def state_of(deployed: DeployedConfig) -> dict[str, Any]:
    """What is in force, for JSON. `file` has what holds without overrides, `in_force` what holds now."""
    overrides, entry, refused = deployed.overrides, deployed.in_force, deployed.refused
    return {
        "config_version": deployed.config_version(overrides),
        "overrides": msgspec.to_builtins(overrides),
        "offset": None if entry is None else entry.offset,
        "written": None if entry is None else entry.written,
        "reason": None if entry is None else entry.reason,
        "refused": None if refused is None else refused.problem,
        "file": numbers_of(deployed.configured(Overrides())),
        "in_force": numbers_of(deployed.configured(overrides)),
    }


def differences(before: Mapping[str, float], after: Mapping[str, float]) -> Iterator[str]:
    """What changes, a line each."""
    for name, value in after.items():
        if value != before[name]:
            yield f"{name}: {before[name]:g} → {value:g}"


def state_table(state: Mapping[str, Any]) -> Table:
    """All numbers in force; those that are overridden with what they would be without."""
    table = Table("", "in force", "without fusion-config")
    for name, value in state["in_force"].items():
        without = state["file"][name]
        changed = value != without
        table.add_row(name, Text(f"{value:g}", style="bold" if changed else ""), f"{without:g}" if changed else "")
    return table


def history_of(deployed: DeployedConfig) -> Iterator[dict[str, Any]]:
    """Each record, the oldest first."""
    for entry in deployed.history:
        yield {
            "offset": entry.offset,
            "partition": entry.partition if isinstance(entry, RefusedEntry) else 0,
            "written": entry.written,
            "key": _key(entry),
            "in_force": entry == deployed.in_force,
            "refused": entry.why if isinstance(entry, RefusedEntry) else None,
            "reason": None if isinstance(entry, RefusedEntry) else entry.reason,
            "overrides": msgspec.to_builtins(entry.overrides) if isinstance(entry, ConfigEntry) else None,
        }


def history_table(records: Iterator[dict[str, Any]]) -> Table:
    """A row a record."""
    table = Table("offset", "written", "key", "", "why")
    for record in records:
        said = Text("in force", style="green") if record["in_force"] else Text("")
        if record["refused"]:
            said = Text("refused", style="red")
        where = f"{record['offset']}" if not record["partition"] else f"{record['partition']}@{record['offset']}"
        why = Text(printable(record["refused"] or record["reason"] or ""))
        table.add_row(where, record["written"], Text(printable(record["key"])), said, why)
    return table


def _key(record: ConfigRecord) -> str:
    match record:
        case RefusedEntry(key=key):
            return key
        case RescoreEntry():
            return RESCORE_KEY.decode()
        case ConfigEntry(version=version):
            return key_of(version).decode()
