"""How many rows a map lets begin."""

import asyncio

import pytest

from nbagent.many import rate
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


def test_refusals_of_one_moment_halve_the_limit_once() -> None:
    async def main() -> tuple[int, int]:
        gate = RowGate()
        gate.refused(0)
        gate.refused(0)
        return gate.limit, gate.refusals

    assert asyncio.run(main()) == (FIRST_LIMIT // 2, 2)


def test_after_a_refusal_the_limit_grows_by_one_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> list[int]:
        gate = RowGate()
        gate.limit = 8
        gate.refused(0)
        limits = []
        for _ in range(9):
            await gate.enter()
            gate.leave(succeeded=True)
            limits.append(gate.limit)
        return limits

    assert asyncio.run(main()) == [4, 4, 4, 5, 5, 5, 5, 5, 6]


def test_a_refusal_holds_back_all_rows_for_as_long_as_the_service_asks() -> None:
    async def main() -> tuple[int, int]:
        gate = RowGate(4)
        gate.refused(60)
        before = await entered(gate, 2)
        gate.resumes_at = 0
        return before, await entered(gate, 2)

    assert asyncio.run(main()) == (0, 2)


def test_a_service_that_asks_for_days_is_asked_again_sooner() -> None:
    async def main() -> float:
        gate = RowGate()
        gate.refused(1e9)
        return gate.seconds_to_wait

    assert asyncio.run(main()) <= rate.MAX_PAUSE_S


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
