"""The environment of a command of ours: this machine's without what is set for skillstream, and what a test sets."""

import os
from collections.abc import Mapping

_COLD = {name: value for name, value in os.environ.items() if not name.startswith(("SKILLSTREAM_", "OPENAI_"))}


def environment(settings: Mapping[str, object], variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """This machine's, 200 columns wide, with `settings` in SKILLSTREAM_'s lower-case names and other `variables`."""
    given = {f"SKILLSTREAM_{name.upper()}": str(value) for name, value in settings.items()}
    return _COLD | {"COLUMNS": "200"} | given | dict(variables or {})
