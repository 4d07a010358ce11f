"""`skillstream schema`: the contract, for other programs."""

import orjson
import pytest
from jsonschema import Draft202012Validator

from schemas.contract import TOPICS, json_schema
from tests.cli.conftest import Run


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topics_schema_is_printed(run: Run, topic: str) -> None:
    ran = run("schema", topic)

    assert ran.code == 0
    printed = orjson.loads(ran.out)
    assert printed == orjson.loads(orjson.dumps(json_schema(topic)))
    Draft202012Validator.check_schema(printed)


def test_without_a_topic_all_are_printed(run: Run) -> None:
    assert set(orjson.loads(run("schema").out)) == set(TOPICS)
