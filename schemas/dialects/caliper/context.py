"""Which version a `@context` or a `dataVersion` names, and whether it names more than that."""

from typing import Any, Final

from schemas.dialects.caliper.rules import BrokenRule
from schemas.dialects.caliper.v1p1 import V1P1
from schemas.dialects.caliper.v1p2 import V1P1_EXTENDED, V1P2
from schemas.dialects.caliper.version import Version

CONTEXTS: Final = "http://purl.imsglobal.org/ctx/caliper/"
CONTEXT_VERSIONS: Final = {version.context: version for version in (V1P1, V1P2)}


def base_of(context: str) -> str | None:
    """The context of the version that `context` is, or that it extends by a profile; None for any other."""
    if context in CONTEXT_VERSIONS:
        return context
    base, _, name = context.rpartition("/")
    return base if base in CONTEXT_VERSIONS and "-ext" in name else None  # an example of 1EdTech's has "-extenstion"


def require_version(context: Any, path: str, data_version: str = "") -> tuple[Version, bool]:
    """The version that the `@context` of what is at `path` names, and whether further terms may occur. Raises Broken.

    `data_version` is the envelope's, if there is one: of the same version, it may extend it, too.
    """
    if isinstance(context, str) and context in CONTEXT_VERSIONS and context == (data_version or context):
        return CONTEXT_VERSIONS[context], False
    path = f"{path}.@context"
    contexts = context if isinstance(context, list) and context else [context]
    last = contexts[-1]
    if not isinstance(last, str) or not all(isinstance(one, str | dict) for one in contexts):
        raise BrokenRule("4.1-context", path)
    base = base_of(last)
    if base is None:
        raise BrokenRule(
            "4.1-context", path, "caliper_unknown_version" if last.startswith(CONTEXTS) else "caliper_invalid"
        )
    if data_version and base_of(data_version) != base:
        raise BrokenRule("5.2-dataVersion", path)
    is_extended = any(isinstance(one, str) and _is_extension(one) for one in (*contexts, data_version))
    version = V1P1_EXTENDED if is_extended and base == V1P1.context else CONTEXT_VERSIONS[base]
    return version, is_extended or len(contexts) > 1


def _is_extension(context: str) -> bool:
    return context not in CONTEXT_VERSIONS and base_of(context) is not None
