"""Digests of pinned images, asked of a stand-in that speaks a registry's protocol: token first, then the manifest."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.container.digests import FILES, PinnedImage, RegistryAway, digest_now, pinned, renew

OLD: Final = f"sha256:{'0' * 64}"
NEW: Final = f"sha256:{'a1' * 32}"


class StandIn(BaseHTTPRequestHandler):
    """Knows `team/app:1`; asks for a token first, as registries do of those who do not log in."""

    def do_HEAD(self) -> None:
        if self.headers["Authorization"] != "Bearer granted":
            self.send_response(401)
            host = f"http://{self.headers['Host']}"
            scope = "repository:team/app:pull"
            self.send_header("WWW-Authenticate", f'Bearer realm="{host}/token",service="stand-in",scope="{scope}"')
        elif self.path == "/v2/team/app/manifests/1" and "oci.image.index" in self.headers["Accept"]:
            self.send_response(200)
            self.send_header("Docker-Content-Digest", NEW)
        else:
            self.send_response(404)
        self.end_headers()

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        granted = asked == {"service": ["stand-in"], "scope": ["repository:team/app:pull"]}
        self.send_response(200 if granted else 403)
        self.end_headers()
        self.wfile.write(b'{"token": "granted"}')

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def registry() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def asked(image: PinnedImage) -> str:
    return digest_now(image, "http")


def test_a_tag_that_moved_on_is_told_and_written(registry: str, tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text(f"FROM {registry}/team/app:1@{OLD} AS build\nFROM {registry}/team/app:1@{OLD}\n")

    (said,) = renew([path], write=False, ask=asked)
    assert NEW in said
    assert OLD in path.read_text()
    assert len(renew([path], write=True, ask=asked)) == 1
    assert path.read_text() == f"FROM {registry}/team/app:1@{NEW} AS build\nFROM {registry}/team/app:1@{NEW}\n"
    assert renew([path], write=True, ask=asked) == []


def test_what_is_named_by_tag_alone_is_pinned_too(registry: str, tmp_path: Path) -> None:
    path = tmp_path / "docker-compose.yml"
    path.write_text(f"  image: {registry}/team/app:1\n  image: own\n  build: .\n")

    assert len(renew([path], write=True, ask=asked)) == 1
    assert path.read_text() == f"  image: {registry}/team/app:1@{NEW}\n  image: own\n  build: .\n"
    assert renew([path], write=True, ask=asked) == []


@pytest.mark.parametrize("name", ["team/other", "team/app/else"])
def test_what_the_registry_does_not_know_is_an_error_that_names_it(registry: str, name: str) -> None:
    with pytest.raises(RegistryAway, match=name):
        asked(PinnedImage(f"{registry}/{name}", "1", OLD))


def test_a_registry_out_of_reach_is_an_error_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text(f"FROM 127.0.0.1:1/team/app:1@{OLD}\n")

    with pytest.raises(RegistryAway, match=r"team/app:1 of 127\.0\.0\.1:1"):
        renew([path], write=True, ask=asked)
    assert OLD in path.read_text()


@pytest.mark.parametrize(
    ("name", "registry_of", "repository"),
    [
        ("valkey/valkey", "docker.io", "valkey/valkey"),
        ("python", "docker.io", "library/python"),
        ("docker.io/library/python", "docker.io", "library/python"),
        ("registry.example:5000/python", "registry.example:5000", "python"),
    ],
)
def test_a_name_says_where_it_comes_from(name: str, registry_of: str, repository: str) -> None:
    (image,) = pinned(f"image: {name}:8.1@{OLD}")

    assert (image.name, image.tag) == (name, "8.1")
    assert (image.registry, image.repository) == (registry_of, repository)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_image_of_others_is_pinned_by_digest(path: Path) -> None:
    images = [image for image in pinned(path.read_text("utf-8")) if image.name != "skillstream"]

    assert images
    assert all(image.digest for image in images), images
