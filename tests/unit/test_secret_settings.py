"""Secrets that settings keep elsewhere: in a file, in Vault, in AWS Secrets Manager; each error naming the setting."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from agents.config.secret_settings import STORED_ELSEWHERE
from agents.config.settings import Settings, SettingsError, load_settings
from agents.display.redaction import redact
from agents.kafka.connection import access_of
from agents.secrets.aws import SecretsManager
from agents.secrets.aws_signature import AwsCredentials, SignedFor
from agents.secrets.errors import SecretsUnavailable
from tests.servers.secrets_manager import CONTAINER_TOKEN, KEY, ROLE, WEB_IDENTITY, StandInSecretsManager, as_json
from tests.servers.vault import ROLE_ID, SECRET_ID, TOKEN, StandInVault

CANARY: Final = "c4nary-of-the-test-000000"
Kept = Callable[[str], Path]


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    yield
    redact.know([])


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Writes a secret into a file."""

    def keep(secret: str) -> Path:
        path = tmp_path / f"secret-{len(list(tmp_path.iterdir()))}"
        path.write_text(secret, encoding="utf-8")
        return path

    return keep


@pytest.fixture
def vault() -> Iterator[StandInVault]:
    with StandInVault() as server:
        server.secrets["skillstream/worker"] = {"web": CANARY, "empty": "", "number": 7}
        yield server


@pytest.fixture
def aws() -> Iterator[StandInSecretsManager]:
    with StandInSecretsManager() as server:
        server.secrets |= {"whole": CANARY, "several": as_json(web=CANARY)}
        yield server


def variable(setting: str) -> str:
    return setting.upper() if setting.startswith("openai_") else f"SKILLSTREAM_{setting.upper()}"


# -- files


@pytest.mark.parametrize("setting", STORED_ELSEWHERE)
def test_every_secret_may_be_in_a_file_and_its_newline_is_no_part_of_it(kept: Kept, setting: str) -> None:
    secret = "https://user:pw@host.example/v1"
    secret = {"redis_url": "redis://user:pw@host:6379/0", "openai_base_url": secret, "traces": secret}.get(
        setting, CANARY
    )
    more = {"broker_user": {"SKILLSTREAM_BROKER_PASSWORD": "p"}, "broker_password": {"SKILLSTREAM_BROKER_USER": "u"}}
    around = {"SKILLSTREAM_BROKER_SECURITY": "sasl_plaintext", **more[setting]} if setting in more else {}

    settings = load_settings({f"{variable(setting)}_FILE": str(kept(f"{secret}\r\n")), **around})

    assert getattr(settings, setting) == secret
    assert secret not in repr(settings)
    if setting in more:
        assert secret in access_of(settings.broker).log_in


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff\xfe\x00", "is not a text in UTF-8"),
        (b"x" * 70_000, "has more than 65536 bytes"),
        (b"short", "has 5 characters, and needs 16 or more"),
    ],
)
def test_a_file_that_is_of_no_use_is_refused_by_its_setting(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SettingsError, match="SKILLSTREAM_WEB_TOKEN_FILE") as error:
        load_settings({"SKILLSTREAM_WEB_TOKEN_FILE": str(path)})
    assert said in str(error.value)


def test_a_secret_that_stands_where_its_file_should_is_not_quoted() -> None:
    with pytest.raises(SettingsError) as error:
        load_settings({"SKILLSTREAM_WEB_TOKEN_FILE": CANARY})
    assert CANARY not in str(error.value)
    with pytest.raises(SettingsError, match="its value is no path"):
        load_settings({"SKILLSTREAM_WEB_TOKEN_FILE": "\0"})


def test_both_a_secret_and_its_file_are_refused_unless_one_is_empty(kept: Kept) -> None:
    path = str(kept(CANARY))
    with pytest.raises(SettingsError, match="OPENAI_API_KEY and OPENAI_API_KEY_FILE are both set"):
        load_settings({"OPENAI_API_KEY": CANARY, "OPENAI_API_KEY_FILE": path})

    assert load_settings({"OPENAI_API_KEY": "", "OPENAI_API_KEY_FILE": path}).openai_api_key == CANARY
    assert load_settings({"OPENAI_API_KEY": CANARY, "OPENAI_API_KEY_FILE": ""}).openai_api_key == CANARY


def test_the_environment_wins_over_the_settings_file_in_either_form(kept: Kept, tmp_path: Path) -> None:
    config, path = tmp_path / "skillstream.toml", kept(CANARY)
    config.write_text(f'web_token_file = "{path}"\nreader_token = "of-the-file-000000"\n')
    around = {"SKILLSTREAM_CONFIG": str(config)}

    assert load_settings(around).web_token == CANARY
    other = load_settings({**around, "SKILLSTREAM_WEB_TOKEN": "of-the-environment"})
    assert other.web_token == "of-the-environment"
    filed = load_settings(
        {"SKILLSTREAM_CONFIG": str(config), "SKILLSTREAM_READER_TOKEN_FILE": str(kept("of-a-file-of-its-own"))}
    )
    assert filed.reader_token == "of-a-file-of-its-own"


@pytest.mark.parametrize(
    "name", ["SKILLSTREAM_PARTITIONS_FILE", "SKILLSTREAM_BROKER_FILE", "SKILLSTREAM_BROKER_KEY_FILE"]
)
def test_only_secrets_may_be_in_files(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}: there is no such setting"):
        load_settings({name: "x"})


def test_every_secret_of_the_settings_may_be_kept_elsewhere() -> None:
    endings = ("password", "token", "_url", "api_key", "header_key")
    named = {name for name in Settings.__struct_fields__ if name.endswith(endings)} - {"advertised_url"}
    assert named <= set(STORED_ELSEWHERE)


# -- Vault


@pytest.mark.parametrize("way", ["token", "token file", "AppRole", "AppRole file"])
def test_a_secret_of_vault_is_read_however_one_logs_in(vault: StandInVault, kept: Kept, way: str) -> None:
    logged_in = {
        "token": {"VAULT_TOKEN": TOKEN},
        "token file": {"VAULT_TOKEN_FILE": str(kept(f"{TOKEN}\n"))},
        "AppRole": {"VAULT_ROLE_ID": ROLE_ID, "VAULT_SECRET_ID": SECRET_ID},
        "AppRole file": {"VAULT_ROLE_ID": ROLE_ID, "VAULT_SECRET_ID_FILE": str(kept(SECRET_ID))},
    }[way]
    around = {"VAULT_ADDR": f"{vault.url}/", "VAULT_NAMESPACE": "schools", **logged_in}

    settings = load_settings({"SKILLSTREAM_WEB_TOKEN": "vault:secret/skillstream/worker#web", **around})

    assert settings.web_token == CANARY
    assert {each.headers["x-vault-namespace"] for each in vault.asked} == {"schools"}


@pytest.mark.parametrize(
    ("reference", "around", "said"),
    [
        ("vault:secret/skillstream/worker", {}, "is not vault:MOUNT/PATH#FIELD"),
        ("vault:worker#web", {}, "is not vault:MOUNT/PATH#FIELD"),
        ("vault:#", {}, "is not vault:MOUNT/PATH#FIELD"),
        ("vault:secret/skillstream/worker#other", {}, "has no text in a field 'other'"),
        ("vault:secret/skillstream/worker#empty", {}, "has no text in a field 'empty'"),
        ("vault:secret/skillstream/worker#number", {}, "has no text in a field 'number'"),
        ("vault:secret/elsewhere#web", {}, "Vault has no secret at secret/elsewhere (status 404)"),
        ("vault:secret/skillstream/worker#web", {"VAULT_TOKEN": "hvs.revoked"}, "Vault refuses to show"),
        ("vault:secret/skillstream/worker#web", {"VAULT_TOKEN": ""}, "set VAULT_TOKEN, VAULT_TOKEN_FILE, or VAULT_R"),
        ("vault:secret/skillstream/worker#web", {"VAULT_TOKEN": "", "VAULT_ROLE_ID": "x"}, "Vault refuses the AppRole"),
        ("vault:secret/skillstream/worker#web", {"VAULT_ADDR": ""}, "set VAULT_ADDR to https://host:8200"),
        ("vault:secret/skillstream/worker#web", {"VAULT_CACERT": "/nonexistent"}, "VAULT_CACERT cannot be read"),
    ],
)
def test_what_vault_does_not_show_is_refused_by_its_setting(
    vault: StandInVault, reference: str, around: dict[str, str], said: str
) -> None:
    environment = {"SKILLSTREAM_WEB_TOKEN": reference, "VAULT_ADDR": vault.url, "VAULT_TOKEN": TOKEN, **around}

    with pytest.raises(SettingsError, match="SKILLSTREAM_WEB_TOKEN") as error:
        load_settings(environment)
    assert said in str(error.value)
    assert "hvs." not in str(error.value)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_vault_that_cannot_answer_now_may_again(vault: StandInVault, status: int) -> None:
    vault.broken = status
    around = {"VAULT_ADDR": vault.url, "VAULT_TOKEN": TOKEN}

    with pytest.raises(SecretsUnavailable, match=f"status {status}"):
        load_settings({"SKILLSTREAM_WEB_TOKEN": "vault:secret/skillstream/worker#web", **around})
    around["VAULT_ADDR"] = "http://127.0.0.1:1"
    with pytest.raises(SecretsUnavailable, match=r"Vault, at http://127\.0\.0\.1:1, does not answer"):
        load_settings({"SKILLSTREAM_WEB_TOKEN": "vault:secret/skillstream/worker#web", **around})


def test_a_token_is_not_sent_on_to_where_a_vault_points(vault: StandInVault) -> None:
    vault.broken = 307
    around = {"VAULT_ADDR": vault.url, "VAULT_TOKEN": TOKEN}

    with pytest.raises(SettingsError, match="status 307"):
        load_settings({"SKILLSTREAM_WEB_TOKEN": "vault:secret/skillstream/worker#web", **around})


# -- AWS Secrets Manager


@pytest.mark.parametrize("reference", ["aws-sm:whole", "aws-sm:several#web"])
def test_a_secret_of_aws_is_read_whole_or_by_its_field(aws: StandInSecretsManager, reference: str) -> None:
    settings = load_settings({"SKILLSTREAM_WEB_TOKEN": reference, **aws.environment})

    assert settings.web_token == CANARY


def test_a_container_asks_with_the_credentials_that_it_is_given(aws: StandInSecretsManager, kept: Kept) -> None:
    around = {name: aws.environment[name] for name in ("AWS_REGION", "AWS_ENDPOINT_URL_SECRETS_MANAGER")}
    around["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{aws.url}/container"
    with pytest.raises(SettingsError, match=r"no credentials of AWS \(status 401\)"):
        load_settings({"SKILLSTREAM_WEB_TOKEN": "aws-sm:whole", **around})

    around["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = str(kept(CONTAINER_TOKEN))
    assert load_settings({"SKILLSTREAM_WEB_TOKEN": "aws-sm:whole", **around}).web_token == CANARY


def test_a_web_identity_takes_on_its_role_and_again_before_that_ends(aws: StandInSecretsManager, kept: Kept) -> None:
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    aws.role_ends = "2026-03-02T13:00:00Z"
    around = {**_without_key(aws), "AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(kept(WEB_IDENTITY))}
    manager = SecretsManager(around, lambda: now)

    for minute, taken in ((0, 1), (54, 1), (56, 2)):
        now = datetime(2026, 3, 2, 12, minute, tzinfo=UTC)
        assert manager.document("whole")[""] == CANARY
        assert aws.roles_taken == taken
    assert "authorization" not in aws.asked[0].headers


@pytest.mark.parametrize(
    ("role", "token", "said"),
    [
        ("", WEB_IDENTITY, "AWS_WEB_IDENTITY_TOKEN_FILE is set: set AWS_ROLE_ARN too"),
        (ROLE, "of-somebody-else", "AWS does not give out the role of AWS_ROLE_ARN: InvalidIdentityToken"),
        (f"{ROLE}-of-others", WEB_IDENTITY, "AWS does not give out the role of AWS_ROLE_ARN: ValidationError"),
        (ROLE, "", "AWS_WEB_IDENTITY_TOKEN_FILE: the file that it names is empty"),
    ],
)
def test_a_web_identity_that_gets_no_role_is_refused(
    aws: StandInSecretsManager, kept: Kept, role: str, token: str, said: str
) -> None:
    around = {**_without_key(aws), "AWS_ROLE_ARN": role, "AWS_WEB_IDENTITY_TOKEN_FILE": str(kept(token))}

    with pytest.raises(SettingsError, match="SKILLSTREAM_WEB_TOKEN") as error:
        load_settings({"SKILLSTREAM_WEB_TOKEN": "aws-sm:whole", **around})
    assert said in str(error.value)
    assert token == "" or token not in str(error.value)


def _without_key(aws: StandInSecretsManager) -> dict[str, str]:
    around = {name: aws.environment[name] for name in ("AWS_REGION", "AWS_ENDPOINT_URL_SECRETS_MANAGER")}
    return {**around, "AWS_ENDPOINT_URL_STS": f"{aws.url}/sts"}


@pytest.mark.parametrize(
    ("reference", "around", "said"),
    [
        ("aws-sm:", {}, "is not aws-sm:NAME#FIELD"),
        ("aws-sm:several#", {}, "is not aws-sm:NAME#FIELD"),
        ("aws-sm:several#other", {}, "has no text in a field 'other'"),
        ("aws-sm:whole#web", {}, "has no text in a field 'web'"),
        ("aws-sm:elsewhere", {}, "does not show elsewhere: ResourceNotFoundException"),
        ("aws-sm:whole", {"AWS_SECRET_ACCESS_KEY": "another-key"}, "does not show whole: InvalidSignatureException"),
        ("aws-sm:whole", {"AWS_REGION": ""}, "set AWS_REGION"),
        ("aws-sm:whole", {"AWS_ACCESS_KEY_ID": ""}, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_what_aws_does_not_show_is_refused_by_its_setting(
    aws: StandInSecretsManager, reference: str, around: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingsError, match="SKILLSTREAM_WEB_TOKEN") as error:
        load_settings({"SKILLSTREAM_WEB_TOKEN": reference, **aws.environment, **around})
    assert said in str(error.value)


@pytest.mark.parametrize("broken", [(503, "ServiceUnavailable"), (400, "ThrottlingException")])
def test_an_aws_that_cannot_answer_now_may_again(aws: StandInSecretsManager, broken: tuple[int, str]) -> None:
    aws.broken = broken

    with pytest.raises(SecretsUnavailable, match="cannot answer now"):
        load_settings({"SKILLSTREAM_WEB_TOKEN": "aws-sm:whole", **aws.environment})
    around = {**aws.environment, "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://127.0.0.1:1"}
    with pytest.raises(SecretsUnavailable, match="does not answer"):
        load_settings({"SKILLSTREAM_WEB_TOKEN": "aws-sm:whole", **around})


def test_a_signature_is_the_one_of_the_example_of_aws() -> None:
    headers = {
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "host": "iam.amazonaws.com",
        "x-amz-date": "20150830T123600Z",
    }
    credentials = AwsCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    query = "Action=ListUsers&Version=2010-05-08"

    header = SignedFor("us-east-1", "iam").authorization(credentials, "GET", query, headers, b"")

    assert header.endswith("Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")


def test_no_library_logs_what_it_was_answered(
    vault: StandInVault, aws: StandInSecretsManager, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    around = {**aws.environment, "VAULT_ADDR": vault.url, "VAULT_TOKEN": TOKEN}
    aws.secrets["another"] = f"{CANARY}-too"

    load_settings(
        {
            "SKILLSTREAM_WEB_TOKEN": "vault:secret/skillstream/worker#web",
            "SKILLSTREAM_READER_TOKEN": "aws-sm:another",
            **around,
        }
    )

    for secret in (CANARY, TOKEN, KEY):
        assert secret not in caplog.text
