"""The number of rows that a map lets begin."""

import asyncio

import pytest

from nbagent.many import pace
from nbagent.many.rate import FIRST_LIMIT, RowGate


async def entered(gate: RowGate, count: int) -> int:
    """Let a number of rows ask to begin, and return how many did."""
    tasks = [asyncio.create_task(gate.enter()) for _ in range(count)]
    for _ in range(3):
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    return gate.active


def test_a_fixed_number_of_rows_begins() -> None:
    assert asyncio.run(entered(RowGate(3), 10)) == 3


def test_each_row_that_succeeds_lets_one_more_begin() -> None:
    async def main() -> int:
        gate = RowGate()
        for _ in range(5):
            await gate.enter()
            gate.leave(succeeded=True)
        return gate.limit

    assert asyncio.run(main()) == FIRST_LIMIT + 5


def test_no_more_rows_begin_while_requests_wait_for_their_turn() -> None:
    async def main() -> int:
        gate = RowGate()
        gate.refused(0, 60)
        waiting = asyncio.create_task(gate.admit())
        await asyncio.sleep(0)
        await gate.enter()
        gate.leave(succeeded=True)
        waiting.cancel()
        return gate.limit

    assert asyncio.run(main()) == FIRST_LIMIT


@pytest.mark.parametrize("concurrency", [None, 8])
def test_requests_wait_for_the_end_of_a_pause_and_are_sent_in_their_order(
    concurrency: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "MIN_PAUSE_S", 0.01)
    monkeypatch.setattr(pace, "FIRST_RATE", 1000.0)

    async def main() -> tuple[list[int], list[int]]:
        gate = RowGate(concurrency)
        sent: list[int] = []

        async def send(number: int) -> None:
            await gate.admit()
            sent.append(number)

        gate.refused(0)
        tasks = [asyncio.create_task(send(number)) for number in range(3)]
        await asyncio.sleep(0)
        before = list(sent)
        tasks[1].cancel()
        await asyncio.wait(tasks)
        return before, sent

    assert asyncio.run(main()) == ([], [0, 2])


def test_a_pause_lets_no_row_begin() -> None:
    async def main() -> tuple[int, int]:
        gate = RowGate(2)
        gate.pause()
        waiting = asyncio.create_task(gate.enter())
        await asyncio.sleep(0)
        before = gate.active
        gate.go_on()
        await waiting
        return before, gate.active

    assert asyncio.run(main()) == (0, 1)
