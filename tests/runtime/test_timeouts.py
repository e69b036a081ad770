"""Time limits: their valid values, and the clock of silences."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from nbagent.runtime.timeouts import IdleClock, positive_seconds


@pytest.mark.parametrize("seconds", [0.001, 300, None])
def test_a_positive_number_or_none_is_a_time_limit(seconds: float | None) -> None:
    assert positive_seconds("timeout", seconds) == seconds


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_any_other_number_is_refused_by_its_name(seconds: float) -> None:
    with pytest.raises(
        ValueError, match=f"timeout must be a positive number of seconds; got {seconds!r}"
    ):
        positive_seconds("timeout", seconds)


def too_long(seconds: float) -> Exception:
    return LookupError(f"nothing for {seconds:g} s")


class SimulatedTime:
    """A clock for an event loop and for `time.monotonic` that advances only when the loop would
    sleep.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr("nbagent.runtime.timeouts.time.monotonic", lambda: self.now)
        monkeypatch.setattr("nbagent.runtime.timeouts.asyncio.sleep", self.sleep)
        self.slept: list[float] = []
        self.touched_at: list[float] = []
        self.clock = IdleClock(5)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        until = self.now + seconds
        while self.touched_at and self.touched_at[0] <= until:
            self.now = self.touched_at.pop(0)
            self.clock.touch()
        self.now = until


async def test_a_silence_begins_anew_with_each_sign_of_life(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    time = SimulatedTime(monkeypatch)
    time.touched_at = [103, 104, 108]
    await time.clock.expired()
    assert (time.now, time.slept) == (113, [5, 4, 4])


async def test_a_clock_without_a_limit_never_expires() -> None:
    waiting = asyncio.ensure_future(IdleClock(None).expired())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


async def test_a_wait_that_is_silent_for_too_long_raises_the_callers_error() -> None:
    with pytest.raises(LookupError, match=r"nothing for 0\.01 s"):
        async with IdleClock(0.01).limit(too_long):
            await asyncio.Event().wait()


@pytest.mark.parametrize(
    "error", [TimeoutError("its own"), StopAsyncIteration(), asyncio.CancelledError()]
)
async def test_an_error_of_the_wait_itself_comes_out_as_it_is(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        async with IdleClock(60).limit(too_long):
            raise error
    assert caught.value is error


async def test_a_stream_is_limited_item_by_item() -> None:
    async def stream() -> AsyncIterator[str]:
        yield "a"
        yield "b"
        await asyncio.Event().wait()

    clock, items, coming = IdleClock(0.01), list[str](), stream()
    with pytest.raises(LookupError):
        while True:
            async with clock.limit(too_long):
                items.append(await anext(coming))
    assert items == ["a", "b"]
