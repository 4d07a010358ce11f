"""`skillstream acls`: who may do what on the cluster."""

import os
import re
from collections.abc import Mapping
from typing import Final, Literal

import click

from agents.cli.options import config_option
from agents.config.settings import load_settings
from agents.config.tenants import Tenants
from agents.operations.acls import grants_of, kafka_acls, strimzi

_PRINCIPAL: Final = re.compile(r"([\w-]+)=([A-Za-z]+:[^\s'\"\\$`]+)")


def _principals(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    found = {each: _PRINCIPAL.fullmatch(each) for each in given}
    for each, principal in found.items():
        if principal is None:
            raise click.UsageError(f"--principal {each!r} is not PART=TYPE:NAME, such as worker=User:skillstream")
    return {principal[1]: principal[2] for principal in found.values() if principal is not None}


@click.command()
@config_option
@click.option("--part", "parts", multiple=True, help="Only this part; give it again for another.")
@click.option(
    "--principal",
    "principals",
    metavar="PART=PRINCIPAL",
    multiple=True,
    callback=_principals,
    help="Who a part is at Kafka.  [default: User:<app id> for workers, User:<app id>-<part> for others]",
)
@click.option("--format", "form", type=click.Choice(["kafka-acls", "strimzi"]), default="kafka-acls", show_default=True)
@click.option("--cluster", default="kafka", show_default=True, help="The cluster's name at Strimzi.")
def command(
    config: str | None,
    parts: tuple[str, ...],
    principals: Mapping[str, str],
    form: Literal["kafka-acls", "strimzi"],
    cluster: str,
) -> None:
    """Print the least that each part of the deployment must be allowed, by the settings; asks no broker.

    The parts: worker, producer (with tenants one for each: producer-NAME), platform (with identities),
    gateway, consumer, verify, operator.
    """
    settings = load_settings(os.environ, config, reasoning="off")
    grants = grants_of(settings, Tenants.of(settings).by_name)
    for named in (*parts, *principals):
        if named not in grants:
            raise click.UsageError(f"there is no part {named!r}, but {', '.join(grants)}")
    chosen = {part: of_part for part, of_part in grants.items() if not parts or part in parts}
    app = f"User:{settings.app_id}"
    known = {part: principals.get(part, app if part == "worker" else f"{app}-{part}") for part in chosen}
    for line in kafka_acls(known, chosen) if form == "kafka-acls" else strimzi(known, chosen, cluster):
        click.echo(line)
