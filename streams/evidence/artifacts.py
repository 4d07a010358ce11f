"""Model artifacts: a folder with a card and one model a skill; nothing is ever unpickled, and reading runs no code.

    card.json             what was trained, on what, with which features, how well, the hash of each file
    <skill>.trees.json    the classifier, see `trees`; in former artifacts <skill>.skops, see `former_models`
    <skill>.bank.json     in its place, the item bank of mastery
    card.json.sig         who vouches for it, see `signed_artifacts`; may be absent

Refused are a model that reads a feature which is missing here or means something else by now (facts that it does not
read may come and change), and a folder whose files do not match their hashes.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec
import numpy as np
from msgspec import UNSET, Struct, UnsetType
from numpy.typing import NDArray

from schemas.errors import Fatal
from streams.evidence.features import NORM_FEATURES, revision_of
from streams.evidence.fitted_indicator import FittedIndicator
from streams.evidence.former_models import read_former
from streams.evidence.outcome_intervals import OutcomeIntervals
from streams.evidence.trained_on import TrainedOn
from streams.evidence.trees import BoostedTrees, TreesUnreadable, read_trees, write_trees
from streams.mastery.bank import BankUnreadable, ItemBank, read_bank, write_bank

CARD_VERSION: Final = 1
CARD_FILE: Final = "card.json"
BANK_SUFFIX: Final = ".bank.json"
TREES_SUFFIX: Final = ".trees.json"
FORMER_SUFFIX: Final = ".skops"
MIN_NARROWING: Final = 0.3
_TRAIN_AGAIN: Final = "train it again with `skillstream train`"
_AGAIN: Final = "copy it again whole, or train it again with `skillstream train`"


class ArtifactError(Fatal):
    """A model artifact that cannot be used; the message says why."""


class ConformalTable(Struct, frozen=True, kw_only=True):
    """Half-widths of 90 % intervals by evidence bin: `edges` split n; monotone, so that less is never surer.

    `width_of_nothing` is the width of an interval of somebody of whom nothing is known: confidence compares with it.
    Where `scaled_by` names a source, half-widths are those at its p of one half, and 2·sqrt(p·(1 − p)) times as much at
    others. Its own p, and not the score's: another source that fails narrows nothing.
    """

    edges: tuple[float, ...]
    half_widths: tuple[float, ...]
    width_of_nothing: float | UnsetType = UNSET
    scaled_by: str | UnsetType = UNSET

    def __post_init__(self) -> None:
        if len(self.half_widths) != len(self.edges) + 1:
            raise ValueError("there must be one half-width more than edges")
        if any(low >= high for low, high in pairwise(self.edges)):
            raise ValueError("edges must rise")
        if not all(0 <= half <= 0.5 for half in self.half_widths):
            raise ValueError("half-widths must be within 0 to 0.5")
        if any(less < more for less, more in pairwise(self.half_widths)):
            raise ValueError("half-widths must not rise: more evidence would be less sure")
        if self.width_of_nothing is not UNSET and not 0 < self.width_of_nothing <= 1:
            raise ValueError("width_of_nothing must be above 0, and 1 at most")


def narrowing(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """2·sqrt(p·(1 − p)), which is 1 at one half and at least MIN_NARROWING; 1 where p is NaN."""
    return np.where(np.isnan(p), 1.0, np.maximum(2 * np.sqrt(p * (1 - p)), MIN_NARROWING))


class FusionFit(Struct, frozen=True, kw_only=True):
    """Fitted fusion of one skill: weight a source, intercept a mask of present sources ("model+language").

    `mask_weights` replaces the weights for a mask, so that a source may serve where another is missing and add nothing
    beside it. `kappa` replaces the skill set's for a source: a model that is calibrated however little it has seen
    needs none.
    """

    weights: dict[str, float]
    intercepts: dict[str, float]
    kappa: dict[str, float] = {}
    mask_weights: dict[str, dict[str, float]] = {}

    def chose(self, source: str) -> bool:
        """Whether the weight of `source` is a choice by held-out students, in every mask: of none, too."""
        masks = [weights for mask, weights in self.mask_weights.items() if source in mask.split("+")]
        return bool(masks) and all(source in weights for weights in masks)


class SkillCard(Struct, frozen=True, kw_only=True):
    """One skill's model: where its labels are from, how it did on students it never saw.

    `outcome_intervals` are of a continuous outcome; without them the interval is the probability's own. `held_out` says
    in words who was held back for the figures, which are of the model alone, with `fused_` before them of the score.
    `revisions` are those of its features that were not 1 when it was trained. Cards of former trainers do not say what
    was `trained_on`. `indicators`, by name, are those that were fitted; else they are as the skills file has them.
    """

    file: str
    sha256: str
    features: tuple[str, ...]
    labels: str
    examples: int
    students: int
    metrics: dict[str, float]
    fusion: FusionFit | None = None
    intervals: ConformalTable | None = None
    outcome_intervals: OutcomeIntervals | None = None
    revisions: dict[str, int] = {}
    held_out: str = ""
    trained_on: TrainedOn | None = None
    indicators: dict[str, FittedIndicator] = {}


class Card(Struct, frozen=True, kw_only=True):
    """The artifact's card. `left_out` says of skills that were to be trained why they have no model.

    `platforms` are the sources that the history's events name ("" for events that name none), each with the facts that
    occur in its events.
    """

    version: int
    name: str
    trained_with: dict[str, str]
    skills: dict[str, SkillCard]
    left_out: dict[str, str] = {}
    platforms: dict[str, tuple[str, ...]] = {}


@dataclass(frozen=True, slots=True)
class Artifact:
    """A loaded artifact; `models` maps a skill to its classifier, `banks` to its item bank."""

    card: Card
    models: dict[str, BoostedTrees]
    digest: str
    banks: Mapping[str, ItemBank] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """What updates name: the artifact's name and the start of its card's hash."""
        return f"{self.card.name}@{self.digest[:8]}"

    @property
    def compares_cohorts(self) -> bool:
        """Whether any model compares students with their cohort."""
        return any(not set(NORM_FEATURES).isdisjoint(card.features) for card in self.card.skills.values())


NO_ARTIFACT: Final = Artifact(Card(version=CARD_VERSION, name="none", trained_with={}, skills={}), {}, "0" * 64)


def save_artifact(folder: Path, card: Card, models: Mapping[str, BoostedTrees | ItemBank]) -> Artifact:
    """Write models and card; the names and hashes of the card's files are filled in here. Replaces what is there.

    A new folder appears whole or not at all; in one that exists the card is replaced last, so that files of two
    trainings never pass for one. `models` has, of each skill of the card, the fitted classifier or the item bank.
    Raises OSError, and ArtifactError for a model that could not be read again.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".unfinished-") as unfinished:
        whole = Path(unfinished) / "artifact"
        whole.mkdir()
        _write_artifact(whole, card, models)
        if not folder.exists():
            whole.rename(folder)
        else:
            for path in sorted(whole.iterdir(), key=lambda path: path.name == CARD_FILE):
                path.replace(folder / path.name)
    return load_artifact(str(folder))


def _write_artifact(folder: Path, card: Card, models: Mapping[str, BoostedTrees | ItemBank]) -> None:
    cards = {}
    for skill, skill_card in card.skills.items():
        file, stored = _file_of(skill, models[skill])
        (folder / file).write_bytes(stored)
        digest = hashlib.sha256(stored).hexdigest()
        cards[skill] = msgspec.structs.replace(skill_card, file=file, sha256=digest)
    text = msgspec.json.format(msgspec.json.encode(msgspec.structs.replace(card, skills=cards)), indent=2)
    (folder / CARD_FILE).write_bytes(text + b"\n")


def load_artifact(path: str, check_signature: Callable[[Path, bytes], None] | None = None) -> Artifact:
    """Load an artifact folder, or a built-in one by its name; `none` is the artifact without models.

    `check_signature` is given the folder and its card's bytes before anything else is read of it; a built-in one is as
    good as the program that it came with.

    Raises ArtifactError, saying what to do, where it is missing, damaged, unsafe, or reads features
    that are not computed here.
    """
    if path == "none":
        return NO_ARTIFACT
    builtin = Path(str(files("streams") / "builtin" / path))
    is_builtin = bool(path) and Path(path).name == path and builtin.is_dir()
    folder = builtin if is_builtin else Path(path)
    if not path or folder.is_file():
        raise ArtifactError(f"model artifact {path or '(empty)'}: name the folder that holds its card.json")
    try:
        text = (folder / CARD_FILE).read_bytes()
        if check_signature is not None and not is_builtin:
            check_signature(folder, text)
        card = msgspec.json.decode(text, type=Card)
    except OSError as error:
        raise ArtifactError(f"model artifact {path}: {error.strerror}: {error.filename}") from None
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ArtifactError(f"model artifact {path}: card.json: {error}") from None
    if card.version != CARD_VERSION:
        raise ArtifactError(f"model artifact {path} has version {card.version}, {CARD_VERSION} is read here: {_AGAIN}")
    models, banks = {}, {}
    for skill, skill_card in card.skills.items():
        stored, where = _checked(folder, skill_card), f"model artifact {folder}: {skill_card.file}"
        if skill_card.file.endswith(BANK_SUFFIX):
            banks[skill] = _bank(where, stored)
        else:
            models[skill] = _trees(where, stored, skill_card)
    return Artifact(card, models, hashlib.sha256(text).hexdigest(), banks)


def _file_of(skill: str, model: BoostedTrees | ItemBank) -> tuple[str, bytes]:
    """Name and content. Raises ArtifactError for what could not be read again."""
    if isinstance(model, ItemBank):
        file, stored = f"{skill}{BANK_SUFFIX}", write_bank(model)
        _bank(file, stored)
    else:
        file, stored = f"{skill}{TREES_SUFFIX}", write_trees(model)
        _trees(file, stored)
    return file, stored


def _checked(folder: Path, card: SkillCard) -> bytes:
    """A skill's file. Raises ArtifactError unless it is what the card describes, and reads what is computed here."""
    if Path(card.file).name != card.file:
        raise ArtifactError(f"model artifact {folder}: {card.file!r} lies outside of it")
    for feature in card.features:
        trained, computed = card.revisions.get(feature, 1), revision_of(feature)
        if trained != computed:
            here = f"means something else here ({computed})" if computed else "is not computed here"
            read = f"{card.file} reads {feature} of revision {trained}"
            raise ArtifactError(f"model artifact {folder}: {read}, which {here}: {_TRAIN_AGAIN}")
    try:
        stored = (folder / card.file).read_bytes()
    except OSError as error:
        raise ArtifactError(f"model artifact {folder}: {error.strerror}: {card.file}") from None
    if hashlib.sha256(stored).hexdigest() != card.sha256:
        raise ArtifactError(f"model artifact {folder}: {card.file} is not the file its card describes: {_AGAIN}")
    return stored


def _bank(where: str, stored: bytes) -> ItemBank:
    try:
        return read_bank(stored)
    except BankUnreadable as error:
        raise ArtifactError(f"{where} is no item bank that is read here: {error}: {_TRAIN_AGAIN}") from None


def _trees(where: str, stored: bytes, card: SkillCard | None = None) -> BoostedTrees:
    """The classifier in a file's bytes. Raises ArtifactError for bytes that hold none, or another than the card's."""
    try:
        trees = read_former(stored) if where.endswith(FORMER_SUFFIX) else read_trees(stored)
    except TreesUnreadable as error:
        raise ArtifactError(f"{where} is no classifier that is read here: {error}: {_AGAIN}") from None
    if card is not None and trees.features != len(card.features):
        raise ArtifactError(f"{where} reads {trees.features} features, its card has {len(card.features)}: {_AGAIN}")
    return trees
