"""When certificates end, which operators are to be told before it happens."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.kafka.certificates import ends_of, first_end_s

# openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=a -days 400, and -days 12000
IN_2028: Final = """-----BEGIN CERTIFICATE-----
MIIBbTCCAROgAwIBAgIUeKok6TXk/qqZpH8OUZTitcQM+rIwCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBYTAeFw0yNjExMjkwMDI0NTFaFw0yODAxMDMwMDI0NTFaMAwx
CjAIBgNVBAMMAWEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASY+ENmFiPBWpzL
woXJUqVqmfKnJFkzgNvAY5eThz7+rMWU+Y2YWK9ilYfQKwOm+PxzdJBn/3X1EIM9
qs7GIU5Jo1MwUTAdBgNVHQ4EFgQUYMHS7HJuko5s3Jq+VG5XP6b9NjIwHwYDVR0j
BBgwFoAUYMHS7HJuko5s3Jq+VG5XP6b9NjIwDwYDVR0TAQH/BAUwAwEB/zAKBggq
hkjOPQQDAgNIADBFAiEAv1OVfX3iLEkkzJ8HmAqe9+kflSLV9Zhi/QGxZG+9jj0C
IEoeUTwF40llpfvoeQddZHZ2OxIDkC/kYQLcqbB15H9W
-----END CERTIFICATE-----
"""
IN_2059: Final = """-----BEGIN CERTIFICATE-----
MIIBbzCCARWgAwIBAgIUWJ57mN/P8xql1I1WnC09rVaRUC4wCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBYjAgFw0yNjExMjkwMDI0NTFaGA8yMDU5MTAwNzAwMjQ1MVow
DDEKMAgGA1UEAwwBYjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJj4Q2YWI8Fa
nMvChclSpWqZ8qckWTOA28Bjl5OHPv6sxZT5jZhYr2KVh9ArA6b4/HN0kGf/dfUQ
gz2qzsYhTkmjUzBRMB0GA1UdDgQWBBRgwdLscm6Sjmzcmr5Ublc/pv02MjAfBgNV
HSMEGDAWgBRgwdLscm6Sjmzcmr5Ublc/pv02MjAPBgNVHRMBAf8EBTADAQH/MAoG
CCqGSM49BAMCA0gAMEUCIEoyOtOHeULZCFWWi47Y23mq3D7q0dYUVyMfhuZOxVqt
AiEAm1j058HjRDw4McAt61yFmwTDbkWPu5D5nzM4mm6zm9s=
-----END CERTIFICATE-----
"""


def end_of(folder: Path, text: str) -> float | None:
    (folder / "some.pem").write_text(text)
    return first_end_s(folder / "some.pem")


@pytest.mark.parametrize(
    ("pem", "end"),
    [
        (IN_2028, datetime(2028, 1, 3, 0, 24, 51, tzinfo=UTC)),
        (IN_2059, datetime(2059, 10, 7, 0, 24, 51, tzinfo=UTC)),
        (f"a comment\n{IN_2059}{IN_2028}", datetime(2028, 1, 3, 0, 24, 51, tzinfo=UTC)),
    ],
)
def test_the_first_end_of_a_file_is_told(pem: str, end: datetime, tmp_path: Path) -> None:
    assert end_of(tmp_path, pem) == end.timestamp()


@pytest.mark.parametrize("pem", ["", "no certificate", IN_2028[:200] + "\n-----END CERTIFICATE-----\n"])
def test_of_what_is_no_certificate_nothing_is_known(pem: str, tmp_path: Path) -> None:
    assert end_of(tmp_path, pem) is None
    assert first_end_s(tmp_path / "none.pem") is None


@given(st.integers(0, 400), st.characters(codec="ascii"))
def test_a_damaged_file_never_fails(tmp_path_factory: pytest.TempPathFactory, at: int, character: str) -> None:
    damaged = IN_2028[:at] + character + IN_2028[at + 1 :]

    end_of(tmp_path_factory.getbasetemp(), damaged)


def test_only_what_could_be_read_has_an_end(tmp_path: Path) -> None:
    (tmp_path / "client.pem").write_text(IN_2028)
    files = {"ca": str(tmp_path / "none.pem"), "certificate": str(tmp_path / "client.pem"), "unset": None}

    assert ends_of(files).keys() == {"certificate"}
