"""Models of former artifacts: scikit-learn classifiers stored by skops, never by pickle. Read, no longer written."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from types import ModuleType
from typing import Final
from zipfile import ZipFile

from streams.evidence.scikit_trees import trees_of
from streams.evidence.trees import BoostedTrees, TreesUnreadable

TRUSTED: Final = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
"""Beside what skops trusts itself: only these types are ever built from a file."""
MAX_FORMER_BYTES: Final = 256 * 1024 * 1024


def read_former(stored: bytes) -> BoostedTrees:
    """The trees of the classifier in these bytes. Takes seconds: imports scikit-learn. Raises TreesUnreadable."""
    with _reading(), ZipFile(BytesIO(stored)) as archive:
        unpacked_bytes = sum(part.file_size for part in archive.infolist())
    if unpacked_bytes > MAX_FORMER_BYTES:
        raise TreesUnreadable(f"it unpacks to {unpacked_bytes} bytes, {MAX_FORMER_BYTES} are allowed")
    with _reading():
        untrusted = set(_skops().get_untrusted_types(data=stored)) - set(TRUSTED)
    if untrusted:
        raise TreesUnreadable(f"it holds types not trusted: {', '.join(sorted(untrusted))}")
    with _reading():
        return trees_of(_skops().loads(stored, trusted=list(TRUSTED)))


@contextmanager
def _reading() -> Iterator[None]:
    """Whatever bytes that were cut or changed make zipfile, JSON, skops or numpy raise becomes a TreesUnreadable."""
    try:
        yield
    except TreesUnreadable:
        raise
    except Exception as error:
        raise TreesUnreadable(f"it is damaged, or no model of skops ({type(error).__name__})") from None


def _skops() -> ModuleType:
    """Imported when a former model is read: it takes seconds, and brings all of scikit-learn with it."""
    return import_module("skops.io")
