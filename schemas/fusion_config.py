"""`fusion-config`: weights and thresholds that are changed while workers run, and requests to score all students anew.

Each configuration is kept under its version, a hash of its content: so that an update which names it can be scored
again, and that going back to one is to write it again.
"""

from typing import Annotated, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.bounds import MAX_SKILLS

FUSION_CONFIG_VERSION: Final = 1
RESCORE_KEY: Final = b"rescore"
MAX_CONFIG_BYTES: Final = 65_536
MAX_REASON_CHARS: Final = 500

_Name: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
_Weight: TypeAlias = Annotated[float, Meta(ge=0, le=100)]
_Threshold: TypeAlias = Annotated[float, Meta(gt=0, lt=1)]
_Positive: TypeAlias = Annotated[float, Meta(gt=0, le=1e6)]
_Reason: TypeAlias = Annotated[str, Meta(max_length=MAX_REASON_CHARS)]


class LevelOverrides(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Score thresholds instead of the skills file's; below `min_confidence` no level is claimed."""

    developing: _Threshold | UnsetType = UNSET
    proficient: _Threshold | UnsetType = UNSET
    min_confidence: _Threshold | UnsetType = UNSET


class FusionOverrides(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How evidence counts, instead of as the skills file says: see its `[fusion]`."""

    kappa: _Positive | UnsetType = UNSET
    half_life_days: _Positive | UnsetType = UNSET
    stale_after_days: _Positive | UnsetType = UNSET


class Overrides(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What differs from the skills file and the artifact; what is not named is as it is there.

    `weights` are by skill and source: a weight replaces the fitted one, whichever other sources are present.
    """

    weights: Annotated[
        dict[_Name, Annotated[dict[_Name, _Weight], Meta(max_length=MAX_SKILLS)]], Meta(max_length=MAX_SKILLS)
    ] = {}
    levels: LevelOverrides | UnsetType = UNSET
    fusion: FusionOverrides | UnsetType = UNSET


class FusionConfig(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="type", tag="config"
):
    """A configuration, under its version as the key. The newest on the topic that is good is in force."""

    version: Literal[1]
    overrides: Overrides
    reason: _Reason = ""


class RescoreRequest(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="type", tag="rescore"
):
    """A request to score all students once by what is in force, under the key `rescore`. The newest counts."""

    version: Literal[1]
    reason: _Reason = ""


FusionConfigMessage: TypeAlias = FusionConfig | RescoreRequest
