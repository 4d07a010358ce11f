"""`mapping.toml`: a platform's own verbs, its types of activities and its students' keys, without code.

[[students]]
prefix = "https://lms.example.edu/users/"
key = ""

[xapi]
"https://lms.example.edu/verbs/peeked" = "hint"
"https://lms.example.edu/verbs/sent" = { "" = "message", assessment = "submission" }

[activity_types]
"https://lms.example.edu/types/exam" = "assessment"

[caliper]
"ForumEvent.Subscribed" = "navigation"

[components]
xapi = ["https://lms.example.edu/types/skill"]

[openedx]
root_url = "https://lms.example.edu"

[norms.courses]
"AAA-2014J" = "AAA-2013J"
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

from msgspec import Struct

from schemas.configuration.document import read_toml
from schemas.configuration.similar import choices
from schemas.dialects.act import KINDS
from schemas.dialects.components import ComponentTypes
from schemas.dialects.families import FAMILIES
from schemas.dialects.norm_options import NormOptions
from schemas.dialects.openedx_options import OpenEdxOptions
from schemas.dialects.students import StudentRule


class Mapping(Struct, frozen=True, forbid_unknown_fields=True):
    """What a platform adds to the tables: xAPI verbs by IRI, Caliper's `Type.Action`; both to a kind (see KINDS).

    A verb may have a kind for each family or type of activity, "" for all others. `activity_types` are xAPI's, by IRI,
    to a family. `components` says which types are knowledge components; what it names are then all there are.
    `openedx` is about tracking events, `norms` about what students are compared with.
    """

    students: tuple[StudentRule, ...] = ()
    xapi: dict[str, str | dict[str, str]] = {}
    activity_types: dict[str, str] = {}
    caliper: dict[str, str] = {}
    components: ComponentTypes = ComponentTypes()
    openedx: OpenEdxOptions = OpenEdxOptions()
    norms: NormOptions = NormOptions()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file. Raises OSError; ValueError, whose message names the file and what is wrong with it."""
        try:
            mapping = read_toml(path.read_text("utf-8"), cls)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
        for name, kind in mapping.kinds():
            if kind not in KINDS:
                raise ValueError(f"{path}: {name!r} is to be {kind!r}; kinds are {choices(kind, sorted(KINDS))}")
        for name, family in mapping.activity_types.items():
            if family not in FAMILIES:
                raise ValueError(f"{path}: {name!r} is to be {family!r}; families are {choices(family, FAMILIES)}")
        for name, about in mapping.about():
            if about and about not in FAMILIES and ":" not in about:
                raise ValueError(
                    f"{path}: {name!r} has {about!r}, neither an activity type's IRI nor a family: "
                    f"{', '.join(FAMILIES)}"
                )
        for type in mapping.components.xapi:
            if ":" not in type:
                raise ValueError(f"{path}: components has {type!r}; an activity's type is an IRI")
        if (address := mapping.openedx.root_url) and not address.startswith(("http://", "https://")):
            raise ValueError(f"{path}: openedx has root_url {address!r}; an LMS's address begins with https://")
        for copy, course in mapping.norms.courses.items():
            if not copy or not course or copy == course:
                raise ValueError(f"{path}: norms.courses has {copy!r} = {course!r}; a copy is of another course")
        return mapping

    def kinds(self) -> Iterator[tuple[str, str]]:
        """Each name with each kind that it is to be."""
        for name, kinds in (self.xapi | self.caliper | self.openedx.kinds).items():
            for kind in (kinds,) if isinstance(kinds, str) else kinds.values():
                yield name, kind

    def about(self) -> Iterator[tuple[str, str]]:
        """Each verb with each family or type of activity that it names."""
        for name, kinds in self.xapi.items():
            if isinstance(kinds, dict):
                yield from ((name, about) for about in kinds)


NO_MAPPING = Mapping()
