"""Pictures of both pages for the docs, of running workers: `make pictures`, some minutes."""

import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from PIL import Image

from schemas.update import SkillProfile, SkillUpdate
from tests.browser.chromium import chromium
from tests.browser.scene import READER_TOKEN, running

FOLDER: Final = Path(__file__).parents[2] / "docs" / "pictures"
_NAME: Final = "skillstream"
_WORKED_S: Final = 300


def main() -> None:
    """Write `dashboard.png` and `student.png`."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        chromium() as browser,
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), workers=2, rate=60.0, name=_NAME) as deployment,
    ):
        time.sleep(_WORKED_S)
        url = deployment.workers[0].url
        picture = _Picture(browser)
        picture.take(url, "dashboard", "light", 1_000)
        students = {update.student_id: update for update in deployment.updates()}
        explained = {each.student_id for each in deployment.explanations()} & students.keys()
        student = max(explained, key=lambda each: _to_be_seen(students[each]))
        picture.take(f"{url}/student?id={quote(student)}", "student", "dark", 1_000)


def _to_be_seen(update: SkillUpdate) -> tuple[int, int, int]:
    """How much there is to be seen of a student."""
    scored = sum(not isinstance(skill, SkillProfile) for skill in update.skills.values())
    return scored, len(update.changed), sum(len(skill.evidence) for skill in update.skills.values())


class _Picture:
    """Takes pictures 1,200 wide, signing in where that is asked for."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser

    def take(self, url: str, name: str, scheme: str, height: int) -> None:
        """Write `name`.png."""
        page = self._browser.new_page(viewport={"width": 1_200, "height": height}, color_scheme=scheme)
        page.goto(url)
        if page.get_by_label("Token").count():
            page.get_by_label("Token").fill(READER_TOKEN)
            page.get_by_role("button", name="Sign in").click()
        page.locator("main .card").first.wait_for()
        page.wait_for_timeout(1_000)
        path = FOLDER / f"{name}.png"
        shot = Image.open(BytesIO(page.screenshot())).convert("RGB")
        shot.quantize(256).save(path, optimize=True)  # a page has few colours: a third of the size
        page.close()
        sys.stdout.write(f"{path.relative_to(FOLDER.parents[1])}: {path.stat().st_size / 1024:.0f} KiB\n")


if __name__ == "__main__":
    main()
