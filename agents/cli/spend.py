"""`skillstream spend`: what explanations cost, and what is left of the limits."""

import asyncio
import os
from typing import TYPE_CHECKING

import click
import orjson
from rich.table import Table

from agents.cli.console import stdout
from agents.cli.fitted_table import print_fitted
from agents.cli.options import config_option
from agents.display.plain import plain

if TYPE_CHECKING:
    from agents.operations.spending import PeriodReport, SpendingReport

_NONE = "(none)"


@click.command(name="spend")
@config_option
@click.option(
    "--days", default=31, show_default=True, metavar="N", type=click.IntRange(1, 400), help="The last N days."
)
@click.option("--begin", is_flag=True, help="First, count what was spent before a new ledger began as nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(config: str | None, days: int, begin: bool, as_json: bool) -> None:
    """Show what was spent on explanations: this day, week and month (UTC) with limits and what is left, of all, of each
    school and of each tenant; and each day by model and school.

    Reads the ledger in Redis (SKILLSTREAM_REDIS_URL), whether workers run or not. Without --begin changes nothing.
    """
    from agents.config.settings import load_settings
    from agents.operations.spending import report_spending

    settings = load_settings(os.environ, config)
    report = asyncio.run(report_spending(settings, days, begin=begin))
    if as_json:
        click.echo(orjson.dumps(report.as_json()))
        return
    for table in _tables(report):
        print_fitted(table)
    if report.unreadable:
        values = "1 value" if report.unreadable == 1 else f"{report.unreadable:,} values"
        stdout.print(f"{values} of the ledger in Redis cannot be read, and are left out: not written by skillstream.")


def _tables(report: "SpendingReport") -> list[Table]:
    limits = Table("", "period (UTC)", "spent", "limit", "left", "until")
    for each in report.periods:
        _add_period(limits, "all", each)
    named = [(_school(school), periods) for school, periods in report.schools.items()]
    named += [(f"tenant {plain(tenant)}", periods) for tenant, periods in report.tenants.items()]
    for whose, periods in named:
        for each in periods:
            if each.spent.nano_usd or each.limit is not None:
                _add_period(limits, whose, each)
    calls = Table("", "limit", "granted", "at most")
    for limit in report.calls:
        whose = f"tenant {limit.whose}" if limit.whose else "all"
        calls.add_row(whose, limit.name, f"{limit.spent:,}", f"{limit.limit:,}")
    by_day = Table("day", "model", "school", "calls", "input", "cached", "output", "reasoning", "USD", "reserved")
    for row in report.as_json()["days"]:
        unpriced = f" + {row['unpriced_calls']} calls without a price" if row["unpriced_calls"] else ""
        by_day.add_row(
            row["day"],
            plain(row["model"]),
            plain(row["school"] or _NONE),
            *(f"{row[name]:,}" for name in ("calls", "input_tokens", "cached_tokens", "output_tokens")),
            f"{row['reasoning_tokens']:,}",
            f"{row['cost_usd']:.4f}{unpriced}",
            f"{row['reserved_usd']:.4f}",
        )
    return [limits, calls, by_day]


def _add_period(table: Table, whose: str, each: "PeriodReport") -> None:
    said = each.as_json()
    table.add_row(
        whose,
        f"{said['period']} {said['name']}",
        "unknown" if each.unknown else f"{said['spent_usd']:.4f}",
        "none" if said["limit_usd"] is None else f"{said['limit_usd']:.2f}",
        "" if said["left_usd"] is None else f"{said['left_usd']:.4f}",
        said["until"],
    )


def _school(school: str) -> str:
    from agents.operations.spending import shown

    return plain(shown(school) or _NONE)
