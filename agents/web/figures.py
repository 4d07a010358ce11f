"""The pages that programs read figures from: of this worker, and of the group.

/worker/figures     what this worker says of itself
/group/figures      what all workers say of themselves, asked at once; who does not answer is `away`
"""

from aiohttp import web

from agents.peers import GroupFigures, WorkerFigures
from agents.peers.figures import FIGURES_PATH
from agents.web.pages import Page, json_answer


def figure_pages(worker: WorkerFigures, group: GroupFigures) -> list[Page]:
    """Both."""

    async def of_worker(_request: web.Request) -> web.Response:
        return json_answer(await worker.now())

    async def of_group(request: web.Request) -> web.Response:
        return json_answer(await group.now(request.headers))

    return [Page(FIGURES_PATH, of_worker), Page("/group/figures", of_group)]
