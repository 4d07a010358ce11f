"""`skillstream schema`: the contract, for other programs."""

from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator

from schemas.contract import asyncapi
from schemas.contract.json_schemas import MESSAGE_TOPICS, json_schema, message_version
from tests.cli.conftest import Run


@pytest.mark.parametrize("topic", MESSAGE_TOPICS)
def test_a_topics_schema_is_printed(run: Run, topic: str) -> None:
    ran = run("schema", topic)

    assert ran.code == 0
    printed = orjson.loads(ran.out)
    assert printed == orjson.loads(orjson.dumps(json_schema(topic)))
    Draft202012Validator.check_schema(printed)


def test_without_a_topic_all_are_printed(run: Run) -> None:
    assert set(orjson.loads(run("schema").out)) == set(MESSAGE_TOPICS)


def test_all_topics_are_printed_as_asyncapi(run: Run) -> None:
    ran = run("schema", "--asyncapi")

    assert ran.code == 0
    assert orjson.loads(ran.out) == orjson.loads(orjson.dumps(asyncapi.document()))


def test_all_files_are_written_to_a_folder_that_may_not_be_there_yet(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "contract"

    ran = run("schema", "--out", folder)

    assert (ran.code, ran.out) == (0, "")
    names = {path.name for path in folder.iterdir()} - {"asyncapi.json", "openapi.json", "openapi-gateway.json"}
    assert names == {f"{topic}.v{message_version(topic)}.schema.json" for topic in MESSAGE_TOPICS}


def test_a_folder_that_cannot_be_is_out_of_reach(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    ran = run("schema", "--out", tmp_path / "file" / "folder")

    assert ran.code == 3
    assert "file" in ran.err


@pytest.mark.parametrize("arguments", [["skill-updates", "--asyncapi"], ["--asyncapi", "--out", "x"], ["nowhere"]])
def test_what_excludes_each_other_is_wrong_usage(run: Run, arguments: list[str]) -> None:
    assert run("schema", *arguments).code == 2
