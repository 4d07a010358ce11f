"""`make fuzz`: each decoder under a coverage-guided fuzzer, for some time, from the tests' own documents.

make fuzz                            each for two minutes
make fuzz SECONDS=600 DIALECT=xapi   this one, so long

What it learns stays in build/fuzz, and the next run goes on from there. What it finds does, too: the file's name is in
the output, and its bytes belong into a test.
"""

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.fuzz.corpus import write_seeds
from tests.fuzz.seeds import DOCUMENTS

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "build" / "fuzz"
LOCK: Final = Path(__file__).with_name("requirements.lock")
_SLOWEST_S: Final = 5
_MEMORY_MB: Final = 2_048
_LARGEST: Final = 65_536
_PULSE: Final = re.compile(r"^#(\d+)\s+\S+\s+cov: (\d+) ft: (\d+) corp: (\d+)/", re.MULTILINE)


def main(arguments: list[str]) -> int:
    """Exit code 1 where an input was found that a decoder should have stood."""
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--dialect", choices=sorted(DOCUMENTS), action="append")
    given = parser.parse_args(arguments)
    python = _python()
    codes = [_fuzz(python, dialect, given.seconds) for dialect in given.dialect or sorted(DOCUMENTS)]
    return int(any(codes))


def _fuzz(python: Path, dialect: str, seconds: int) -> int:
    corpus, found, log = FOLDER / "corpus" / dialect, FOLDER / "found", FOLDER / f"{dialect}.log"
    found.mkdir(parents=True, exist_ok=True)
    _say(f"{dialect}: {write_seeds(dialect, corpus)} documents to begin with, {seconds} s")
    options = {
        "max_total_time": seconds,
        "timeout": _SLOWEST_S,
        "rss_limit_mb": _MEMORY_MB,
        "max_len": _LARGEST,
        "artifact_prefix": f"{found}/{dialect}-",
        "print_final_stats": 1,
    }
    command = [str(python), "-m", "tests.fuzz.target", *(f"-{name}={value}" for name, value in options.items())]
    with log.open("wb") as file:
        code = subprocess.run([*command, str(corpus)], cwd=ROOT, stdout=file, stderr=file, check=False).returncode
    said = log.read_text("utf-8", "replace")
    if code:
        _say(f"{dialect}: FOUND something (exit code {code}), see {found.relative_to(ROOT)}:\n{said[-4_000:]}")
    for runs, covered, features, kept in _PULSE.findall(said)[-1:]:
        rate = int(runs) / seconds
        _say(f"{dialect}: {runs} inputs ({rate:,.0f}/s), {covered} edges, {features} features, {kept} kept")
    return code


def _python() -> Path:
    """The interpreter of the fuzzer's environment, which is made first where it is missing."""
    name = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = FOLDER / f"python-{name}"
    ready = folder / ".ready"
    if not ready.exists():
        _say("Making the fuzzer's environment in build/fuzz (once, about a minute)")
        shutil.rmtree(folder, ignore_errors=True)
        FOLDER.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "--require-hashes", "--requirement", str(LOCK)], check=True)
        ready.touch()
    return folder / "bin" / "python"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
