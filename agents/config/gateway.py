"""Settings of the gateway that have to fit each other."""

from typing import Final

from agents.config.settings import Settings, SettingsError

_COPIES: Final = 4
"""What a body counts for at most times: as it comes, unpacked, as records, and its parts while it is read."""


def require_gateway(settings: Settings) -> None:
    """Raise SettingsError where a gateway could not work as it is set."""
    if bool(settings.gateway_certificate) != bool(settings.gateway_private_key):
        raise SettingsError("gateway_certificate and gateway_private_key belong together")
    if settings.gateway_in_flight_mb < _COPIES * settings.gateway_max_body_mb:
        raise SettingsError(
            f"gateway_in_flight_mb {settings.gateway_in_flight_mb} has no room for one body of gateway_max_body_mb "
            f"{settings.gateway_max_body_mb}: it has to be {_COPIES} times as much"
        )
