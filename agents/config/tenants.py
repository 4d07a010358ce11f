"""Tenants: who share a deployment, from the TOML file that SKILLSTREAM_TENANTS names. Without it all is one tenant's.

[tenants.north]
students = "north:"                       # how the ids of its students begin
signing_keys = ["…"]                      # secrets: its producers prove by one that a record is theirs
gateway_keys = ["sha256:…"]               # hashes: what its programs say at the gateway
reader_tokens = ["sha256:…"]              # hashes: what its programs say to read of its students
gateway_events_per_second = 500           # what it may send to each gateway; without it as much as it can
dead_letter_max_consecutive = 100         # the limits beyond which it is held; as for all without
usd_per_day = 5                           # what it may spend of all: `tenant_budgets`
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Self

from msgspec import Meta, Struct

from agents.config.settings import Settings, SettingsError
from agents.config.tenant_budgets import TenantBudget, require_countable
from agents.display.redaction import redact
from schemas.configuration.document import read_toml
from schemas.dead_letter import Header
from streams.input.poison import PoisonLimits
from streams.input.tenancy import ONE_TENANT, UNSIGNED, Tenancy
from streams.spending.limits import NO_TENANT

_Name = Annotated[str, Meta(pattern=r"^[a-z0-9_-]{1,32}$")]
_MIN_KEY_CHARS: Final = 32
_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}")


class TenantTable(TenantBudget, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A tenant, as the file has it. What is secret, or could be by mistake, is checked here: no error quotes it."""

    students: Annotated[str, Meta(pattern=r"^.{0,128}$")]
    signing_keys: Any
    gateway_keys: Any = ()
    reader_tokens: Any = ()
    gateway_events_per_second: Annotated[float, Meta(gt=0, le=1_000_000)] | None = None
    dead_letter_max_ratio: Annotated[float, Meta(ge=0, le=1)] | None = None
    dead_letter_min_records: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    dead_letter_max_consecutive: Annotated[int, Meta(ge=0, le=100_000)] | None = None


class _TenantsFile(Struct, frozen=True, forbid_unknown_fields=True):
    tenants: Annotated[dict[_Name, TenantTable], Meta(min_length=1, max_length=1_000)]


@dataclass(frozen=True, slots=True)
class Tenant:
    """`students` is how the ids of its students begin, empty for any; each gateway takes `events_per_second`."""

    name: str
    students: str
    tenancy: Tenancy = field(repr=False)
    events_per_second: float | None = None

    def sign(self, key: bytes | None, value: bytes | None) -> tuple[Header, ...]:
        """The header by which a record of this key and value proves to be the tenant's."""
        return self.tenancy.sign(self.name, key, value)


class Tenants:
    """Of one deployment; without a file there is none by name."""

    def __init__(self, tables: Mapping[str, TenantTable]) -> None:
        """Raises ValueError for tables that are of no use, or have something in common."""
        _require_good(tables)
        self._tables = tables
        self.tenancy = ONE_TENANT
        if tables:
            self.tenancy = Tenancy(
                {name: table.students for name, table in tables.items()},
                {name: [key.encode() for key in table.signing_keys] for name, table in tables.items()},
            )
        self.by_name: Mapping[str, Tenant] = {
            name: Tenant(name, table.students, self.tenancy, table.gateway_events_per_second)
            for name, table in tables.items()
        }
        self._by_gateway_key = {key: name for name, table in tables.items() for key in table.gateway_keys}
        self._by_reader_token = {token: name for name, table in tables.items() for token in table.reader_tokens}

    @classmethod
    def load(cls, path: str) -> Self:
        """Those of a file, whose signing keys are not shown from now on. Raises SettingsError naming the file, and
        what is wrong where.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
            redact.know_too(_signing_keys_in(tomllib.loads(text)))
            return cls(read_toml(text, _TenantsFile).tenants)
        except OSError as error:
            raise SettingsError(f"tenants file {path}: {error.strerror}") from None
        except ValueError as error:
            raise SettingsError(f"tenants file {path}: {error}") from None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Those that are set. Raises as `load`."""
        return cls({}) if settings.tenants is None else cls.load(settings.tenants)

    def __bool__(self) -> bool:
        return bool(self.by_name)

    @property
    def budgets(self) -> Mapping[str, TenantBudget]:
        """What each may spend, by name."""
        return self._tables

    def of_student(self, student_id: str) -> str:
        """Whose a student is: UNSIGNED of those whom no tenant has, NO_TENANT where there are none."""
        return self.tenancy.of_student(student_id) if self else NO_TENANT

    def poison_limits(self, tenant: str, default: PoisonLimits) -> PoisonLimits:
        """How many dead letters a tenant may have before it is held; what the file does not say is as for all."""
        table = self._tables.get(tenant)
        if table is None:
            return default
        ratio, records, in_a_row = (
            table.dead_letter_max_ratio,
            table.dead_letter_min_records,
            table.dead_letter_max_consecutive,
        )
        return PoisonLimits(
            default.max_ratio if ratio is None else ratio,
            default.window_records if records is None else records,
            default.max_consecutive if in_a_row is None else in_a_row,
        )

    def of_gateway_key(self, key: str) -> Tenant | None:
        """The tenant whose programs say this key."""
        return self.by_name.get(self._by_gateway_key.get(hash_of(key), ""))

    def of_reader_token(self, token: str) -> Tenant | None:
        """The tenant whose programs say this token, to read of its students."""
        return self.by_name.get(self._by_reader_token.get(hash_of(token), ""))


def hash_of(secret: str) -> str:
    """As the file has the hash of a key or token. One round will do: these are random, and no person's password."""
    return f"sha256:{sha256(secret.encode(errors='surrogatepass')).hexdigest()}"


def _signing_keys_in(document: Mapping[str, Any]) -> Iterator[str]:
    """Whatever may be one, be the document good or not."""
    tables = document.get("tenants")
    for table in tables.values() if isinstance(tables, dict) else ():
        keys = table.get("signing_keys") if isinstance(table, dict) else None
        yield from (str(key) for key in (keys if isinstance(keys, list) else [keys]) if key)


def _require_good(tables: Mapping[str, TenantTable]) -> None:
    """Raise ValueError for what no type says, and where two tenants have something in common."""
    if UNSIGNED in tables:
        raise ValueError(f"tenants.{UNSIGNED}: so records are called that prove no tenant: take another name")
    for name, table in tables.items():
        if not _is_list(table.signing_keys, lambda key: len(key) >= _MIN_KEY_CHARS) or not table.signing_keys:
            raise ValueError(f"tenants.{name}.signing_keys: a list of at least one key of {_MIN_KEY_CHARS} characters")
        for hashes in ("gateway_keys", "reader_tokens"):
            if not _is_list(getattr(table, hashes), lambda key: _HASH.fullmatch(key) is not None):
                raise ValueError(f"tenants.{name}.{hashes}: a list of hashes, each sha256: and 64 hexadecimal digits")
    require_countable(tables)
    starts = sorted((table.students, name) for name, table in tables.items())
    for (start, name), (longer, other) in pairwise(starts):
        if longer.startswith(start):
            raise ValueError(
                f"tenants.{other}.students: {longer!r} begins with {start!r}, by which students are {name}'s"
            )
    for shared in ("signing_keys", "gateway_keys", "reader_tokens"):
        owners: dict[str, str] = {}
        for name, secret in ((name, secret) for name, table in tables.items() for secret in getattr(table, shared)):
            if (owner := owners.setdefault(secret, name)) != name:
                raise ValueError(f"tenants.{name}.{shared}: one of them is {owner}'s, too")


def _is_list(value: object, is_good: Callable[[str], bool]) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, str) and is_good(each) for each in value)
