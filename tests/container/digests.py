"""`make digests`: the pinned images' digests, as their registries have them now. Needs to reach the registries.

    python -m tests.container.digests            says which are not those of their tags, or missing; exit code 1 then
    python -m tests.container.digests --write    puts them in

An image is `NAME:TAG@sha256:…`, in the files that pin some. The digest of a tag is that of its index, which names one
image for every processor. It is asked for without an account, as `docker pull` does: by a token, whose place the
registry names in its refusal.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from tests.container.files import ROOT

FILES: Final = (ROOT / "Dockerfile", ROOT / "docker-compose.yml")
_IMAGE: Final = r"(?P<name>[\w.-]+(?:[:/][\w./-]+)*?):(?P<tag>[\w][\w.-]*)"
_PINNED: Final = re.compile(rf"{_IMAGE}@(?P<digest>sha256:[0-9a-f]{{64}})")
_BY_TAG: Final = re.compile(rf"^ *image: (?:{_IMAGE})(?P<digest>)$", re.MULTILINE)
_CHALLENGE: Final = re.compile(r'(\w+)="([^"]*)"')
_DEFAULT_REGISTRY: Final = "docker.io"
_API: Final = {_DEFAULT_REGISTRY: "registry-1.docker.io"}
_ACCEPTED: Final = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in ("oci.image.index.v1", "docker.distribution.manifest.list.v2", "oci.image.manifest.v1")
)
_TIMEOUT_S: Final = 30.0


class RegistryAway(Exception):
    """A registry that cannot be asked, or does not answer the question; the message names image and reason."""


@dataclass(frozen=True, slots=True)
class PinnedImage:
    """A reference as it is written: its name with or without a registry, its tag, the digest beside it or none."""

    name: str
    tag: str
    digest: str

    @property
    def registry(self) -> str:
        """Where it comes from."""
        first, _, rest = self.name.partition("/")
        return first if rest and ("." in first or ":" in first or first == "localhost") else _DEFAULT_REGISTRY

    @property
    def repository(self) -> str:
        """Its name there."""
        path = self.name.removeprefix(f"{self.registry}/")
        return path if "/" in path or self.registry != _DEFAULT_REGISTRY else f"library/{path}"


def pinned(text: str) -> Iterator[PinnedImage]:
    """All that `text` pins by digest, then what a compose file names by tag alone."""
    found = (*_PINNED.finditer(text), *_BY_TAG.finditer(text))
    return (PinnedImage(each["name"], each["tag"], each["digest"]) for each in found)


def digest_now(image: PinnedImage, scheme: str = "https") -> str:
    """The digest that the image's tag has in its registry. Raises RegistryAway."""
    host = _API.get(image.registry, image.registry)
    url = f"{scheme}://{host}/v2/{image.repository}/manifests/{image.tag}"
    try:
        try:
            return _digest(url)
        except HTTPError as refused:
            with refused:
                if refused.code != 401:
                    raise
                challenge = dict(_CHALLENGE.findall(refused.headers.get("WWW-Authenticate", "")))
            return _digest(url, _token(challenge))
    except (URLError, OSError, KeyError, ValueError) as error:
        raise RegistryAway(f"{image.name}:{image.tag} of {image.registry}: {error}") from error


def _digest(url: str, token: str = "") -> str:
    headers = {"Accept": _ACCEPTED} | ({"Authorization": f"Bearer {token}"} if token else {})
    with urlopen(Request(url, headers=headers, method="HEAD"), timeout=_TIMEOUT_S) as answer:
        digest = str(answer.headers["Docker-Content-Digest"])
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise ValueError(f"no digest in the answer: {digest}")
    return digest


def _token(challenge: dict[str, str]) -> str:
    query = urlencode([(name, challenge[name]) for name in ("service", "scope") if name in challenge])
    with urlopen(f"{challenge['realm']}?{query}", timeout=_TIMEOUT_S) as answer:
        told = json.load(answer)
    return str(told.get("token") or told["access_token"])


def renew(files: Sequence[Path], *, write: bool, ask: Callable[[PinnedImage], str] = digest_now) -> list[str]:
    """A line for each digest that is not its tag's any more. `write` puts the tags' digests in."""
    said = []
    for path in files:
        text = path.read_text("utf-8")
        for image in dict.fromkeys(pinned(text)):
            if (now := ask(image)) != image.digest:
                written = f"{image.name}:{image.tag}@{image.digest}".rstrip("@")
                said.append(f"{path.name}: {written} is {now}")
                text = re.sub(rf"{re.escape(written)}(?!@)", f"{image.name}:{image.tag}@{now}", text)
        if write and text != path.read_text("utf-8"):
            path.write_text(text, "utf-8")
    return said


def main(arguments: Sequence[str]) -> int:
    """0: all are their tags' digests, or were put in; 1: some are not; 3: a registry is out of reach."""
    write = "--write" in arguments
    try:
        said = renew(FILES, write=write)
    except RegistryAway as away:
        sys.stderr.write(f"{away}\n")
        return 3
    sys.stdout.write("".join(f"{line}\n" for line in said) or "All digests are those of their tags.\n")
    return 0 if write or not said else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
