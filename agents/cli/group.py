"""Commands that have commands: a misspelt one is asked about."""

import click

from agents.display.plain import quoted
from schemas.configuration.similar import did_you_mean


class CommandGroup(click.Group):
    """Ends with code 2 for a command that there is not, naming the one that may be meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """See click."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            known = self.list_commands(ctx)
            meant = did_you_mean(name, known) or f" There are {', '.join(known)}."
            ctx.fail(f"there is no command {quoted(name)}.{meant}")
        return super().resolve_command(ctx, args)
