"""Writing text models: their files, and a skills file beside them that names these."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from schemas.configuration.document import read_toml
from streams.skills.skill_set import SkillsError, SkillSet, TextModelFile
from streams.texts.text_model import decode_text_model, digest_of_file, encode_text_model

SKILLS_FILE: Final = "skills.toml"


def write_text_models(folder: Path, skill_set: SkillSet, text: str) -> None:
    """Write into `folder` each text model of `skill_set`, and SKILLS_FILE: the skills file `text`, naming them.

    Raises OSError; before anything is written SkillsError as `naming` does, and TextModelError for a text model that
    could not be read again.
    """
    files = {
        name: (f"{name}.texts.json", encode_text_model(table))
        for name, skill in skill_set.skills.items()
        if (table := skill.text_table) is not None
    }
    for file, stored in files.values():
        decode_text_model(stored, file)
    text = naming(text, {name: TextModelFile(file, digest_of_file(stored)) for name, (file, stored) in files.items()})
    folder.mkdir(parents=True, exist_ok=True)
    for file, stored in files.values():
        (folder / file).write_bytes(stored)
    (folder / SKILLS_FILE).write_text(text, encoding="utf-8")


def naming(text: str, text_models: Mapping[str, TextModelFile]) -> str:
    """The skills file `text` in which each skill names its file in the table [skills.<name>.text_model].

    Raises SkillsError where such a table is there in another notation.
    """
    for skill, named in text_models.items():
        table = f'[skills.{skill}.text_model]\nfile = "{named.file}"\nsha256 = "{named.sha256}"\n'
        header = rf"^\[skills\.{skill}\.text_model\][ \t]*(?:#.*)?\n"
        there = re.compile(rf"{header}(?:(?:file|sha256)[ \t]*=.*(?:\n|\Z))*", re.MULTILINE)
        text, found = there.subn(table, text if text.endswith("\n") else text + "\n", count=1)
        if not found:
            text = f"{text.rstrip()}\n\n{table}"
    try:
        read_toml(text, SkillSet)
    except ValueError as error:
        raise SkillsError(f"text_model must be a table [skills.<name>.text_model] of its own: {error}") from None
    return text
