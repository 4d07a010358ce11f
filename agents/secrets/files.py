"""A secret in a file of its own, as Docker, Kubernetes and Vault's agent hand it over."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agents.secrets.errors import SecretUnusable

MAX_SECRET_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class SecretFile:
    """Implements Location. `variable` is the setting that names the file."""

    variable: str
    path: str

    def read(self) -> str:
        """Its text, without blanks and newlines around it."""
        return read_secret_file(self.variable, self.path)


def read_secret_file(variable: str, path: str) -> str:
    """What the file that `variable` names holds. Raises SecretUnusable for none, an empty one, one that is no text."""
    where = f"{variable}: the file that it names"  # not quoted: it may be the secret itself, by mistake
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_SECRET_BYTES + 1)
        text = content.decode().strip()
    except UnicodeDecodeError:
        raise SecretUnusable(f"{where} is not a text in UTF-8") from None
    except OSError as error:
        raise SecretUnusable(f"{where} cannot be read: {error.strerror or type(error).__name__}") from None
    except ValueError:
        raise SecretUnusable(f"{variable}: its value is no path") from None
    if len(content) > MAX_SECRET_BYTES:
        raise SecretUnusable(f"{where} has more than {MAX_SECRET_BYTES} bytes: is it a secret?")
    if not text:
        raise SecretUnusable(f"{where} is empty")
    return text
