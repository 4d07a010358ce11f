"""User and password of Redis, taken from its address anew for each connection."""

from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from redis.credentials import CredentialProvider


class CurrentLogIn(CredentialProvider):
    """Implements redis-py's CredentialProvider. `url` tells the address as it is now."""

    def __init__(self, url: Callable[[], str]) -> None:
        self._url = url

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """The password, with its user where there is one."""
        url = urlsplit(self._url())
        user, password = (unquote(given or "") for given in (url.username, url.password))
        return (user, password) if user else (password,)

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        """As above."""
        return self.get_credentials()


def without_log_in(url: str) -> str:
    """The address without them."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
