"""Which licences may be in the image: those that ask for a notice, or for the source of their own files."""

from collections.abc import Mapping
from typing import Any, Final

ALLOWED: Final = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "ISC",
        "LicenseRef-Repoze",
        "MIT",
        "MIT-0",
        "MPL-2.0",
        "PSF-2.0",
        "Python-2.0",
        "Unlicense",
        "Zlib",
    }
)
REVIEWED: Final[Mapping[str, str]] = {
    "aiohttp-cors": "Apache-2.0",
    "aiosignal": "Apache-2.0",
    "async-timeout": "Apache-2.0",
    "confluent-kafka": "Apache-2.0 AND BSD-2-Clause",
    "faust-streaming": "BSD-3-Clause",
    "mode-streaming": "BSD-3-Clause",
    "scipy": "BSD-3-Clause",
    "skops": "MIT",
    "sortedcontainers": "Apache-2.0",
    "venusian": "LicenseRef-Repoze",
}
"""By canonical name, where a package's metadata do not say it in SPDX's words: what its licence file says.

confluent-kafka's wheel holds librdkafka; scipy's holds libgfortran, which GCC's runtime exception lets go with
any program. Repoze's licence is that of BSD with a line on trademarks.
"""


def licence_of(component: Mapping[str, Any]) -> str:
    """A component's licence as an SPDX expression; empty where it does not say."""
    reviewed = REVIEWED.get(str(component["name"]).lower())
    if reviewed is not None:
        return reviewed
    found = []
    for entry in component.get("licenses", ()):
        if "expression" in entry:
            found.append(str(entry["expression"]))
        elif "id" in entry.get("license", {}):
            found.append(str(entry["license"]["id"]))
    return " AND ".join(dict.fromkeys(found))


def is_allowed(expression: str) -> bool:
    """Whether all of one of its alternatives is allowed; of an expression with parentheses, whether every name is."""
    if not expression:
        return False
    flat = expression.replace("(", " ").replace(")", " ")
    if flat != expression:
        return all(word in ALLOWED for word in flat.split() if word not in ("AND", "OR"))
    return any(all(part.strip() in ALLOWED for part in choice.split(" AND ")) for choice in expression.split(" OR "))
