"""The registry of sources of evidence: one line a source, its name and where it is declared.

A line is the `module:attribute` of a `streams.evidence.source.SourceType`. Installed packages add lines by an entry
point of GROUP (docs/sources.md). A skills file can only name what is registered: it never says which code is run.
"""

from importlib.metadata import EntryPoint, entry_points
from typing import Final

GROUP: Final = "skillstream.sources"
BUILT_IN: Final = {
    "model": "streams.evidence.model:MODEL",
    "language": "streams.evidence.language:LANGUAGE",
    "behaviour": "streams.evidence.behaviour:BEHAVIOUR",
}
ON_DEMAND: Final = {"mastery": "streams.evidence.mastery:MASTERY"}
"""Ours as well, but in use only where a skill gives it a weight."""
_OURS: Final = BUILT_IN | ON_DEMAND


def registered(name: str) -> list[EntryPoint]:
    """The lines of that name: one, none where no such source is installed, or one a package that claims the name.

    A built-in name cannot be claimed. Reads the metadata of installed packages, and imports none of them.
    """
    if name in _OURS:
        return [EntryPoint(name, _OURS[name], GROUP)]
    return list(entry_points(group=GROUP, name=name))


def all_names() -> list[str]:
    """Our sources, then those of installed packages."""
    return [*_OURS, *sorted(entry_points(group=GROUP).names - _OURS.keys())]
