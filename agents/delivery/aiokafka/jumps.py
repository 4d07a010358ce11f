"""Reports positions that aiokafka resets by itself, which it does not log. Private to aiokafka 0.14.0.

A fetch that the broker refuses as out of range puts its partition into `await_reset`, with the default strategy;
`_update_fetch_positions` then asks for the partition's start and goes on there. A position that a seek has asked for
(`seek_to_beginning`), or that was never there, is no jump: the default strategy is told apart by its identity.
"""

from collections.abc import Callable, Iterable
from typing import Any

from aiokafka.consumer.fetcher import Fetcher
from aiokafka.structs import TopicPartition

JumpListener = Callable[[str, int, int, int], None]
"""Topic, partition, the offset that was due, the one that is read next."""


class _Default(int):
    """A strategy's number, which no caller of `seek_to_*` has."""


def report_jumps(fetcher: Fetcher, on_jump: JumpListener) -> None:
    """Have `on_jump` called in the fetcher's thread, before anything is fetched at the new position."""
    fetch, update, ask = fetcher._proc_fetch_request, fetcher._update_fetch_positions, fetcher._proc_offset_request
    by_default = fetcher._default_reset_strategy = _Default(fetcher._default_reset_strategy)
    lost: dict[TopicPartition, int] = {}
    starts: dict[TopicPartition, int] = {}

    def is_lost(state: Any) -> bool:
        return state.awaiting_reset and state.reset_strategy is by_default

    async def fetching(assignment: Any, node_id: int, request: Any) -> Any:
        states = {tp: assignment.state_value(tp) for tp in assignment.tps}
        due = {tp: state.position for tp, state in states.items() if state.has_valid_position}
        answer = await fetch(assignment, node_id, request)
        lost.update({tp: max(at, lost.get(tp, at)) for tp, at in due.items() if is_lost(states[tp])})
        return answer

    async def asking(node_id: int, topic_data: Any) -> Any:
        answer = await ask(node_id, topic_data)
        starts.update({tp: offset for tp, (offset, *_) in answer.items()})
        return answer

    async def updating(assignment: Any, node_id: int, tps: Iterable[TopicPartition]) -> Any:
        tps = list(tps)
        due = {tp: lost[tp] for tp in tps if tp in lost and is_lost(assignment.state_value(tp))}
        answer = await update(assignment, node_id, tps)
        for tp, came_from in due.items():
            state = assignment.state_value(tp)
            if state.has_valid_position:
                del lost[tp]
                if state.position == starts.get(tp):  # else somebody has sought meanwhile
                    on_jump(tp.topic, tp.partition, came_from, state.position)
        return answer

    fetcher._proc_fetch_request = fetching
    fetcher._update_fetch_positions = updating
    fetcher._proc_offset_request = asking
