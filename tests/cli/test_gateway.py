"""`skillstream gateway`: settings under which nobody could send anything."""

from pathlib import Path

import pytest

from agents.config.gateway import require_gateway
from agents.config.settings import Settings, SettingsError
from tests.cli.conftest import Run


def test_without_tenants_it_does_not_start(run: Run) -> None:
    ran = run("gateway", "--port", "0")

    assert ran.code == 2
    assert "SKILLSTREAM_TENANTS" in ran.err


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"gateway_certificate": "certificate.pem"}, "gateway_private_key"),
        ({"gateway_private_key": "key.pem"}, "gateway_certificate"),
        ({"gateway_in_flight_mb": 31, "gateway_max_body_mb": 8}, "gateway_in_flight_mb 31"),
    ],
)
def test_settings_that_do_not_fit_each_other_are_refused(given: dict[str, object], names: str) -> None:
    with pytest.raises(SettingsError, match=names):
        require_gateway(Settings(**given))  # type: ignore[arg-type]


def test_a_certificate_that_cannot_be_read_is_named(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLSTREAM_GATEWAY_CERTIFICATE", str(tmp_path / "none.pem"))

    ran = run("gateway", "--port", "0")

    assert (ran.code, "gateway_private_key" in ran.err) == (2, True)
