"""Benchmark of `nbagent.map` beside libraries that run evaluations: processor time of a row,
memory, and the time that all rows take of a model that answers after a while.

    PYTHONPATH=tests .venv/bench/bin/python -m bench.evals [rows] [rounds]

All contestants ask the same model, a function of this script's own that answers at once, once for
each row, and check each answer. So what is measured is their own work. They do not keep the same:
nbagent writes the events of each row to an SQLite file, Inspect AI its samples to a log;
pydantic-evals and DSPy keep inputs and answers in memory, and so does the bare loop.

The second table is of a model that answers after `LATENCY_S`. Inspect AI is not in it: the answers
of its own model for tests are made at once.
"""

import asyncio
import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from typing import Any

from campaign import figure

AT_A_TIME = 32
LATENCY_S = 0.5
"""Seconds after which the model of the second table answers."""

WARM_UP_ROWS = 50
"""Rows before those that are measured, with what is imported and made once."""


def questions(count: int) -> list[str]:
    """Return so many questions."""
    return [
        f"How much is {number} and {number}, in words or in figures?" for number in range(count)
    ]


def answer(question: str) -> str:
    """Return the answer of the model."""
    return f"The answer to this question, {question!r}, is twice the number. " * 3


def is_right(question: str, text: str) -> bool:
    """Return whether an answer is right."""
    return question in text


async def answered(question: str, latency_s: float) -> str:
    """Return the answer after so many seconds."""
    if latency_s:
        await asyncio.sleep(latency_s)
    return answer(question)


def bare(count: int, latency_s: float) -> int:
    """Run rows in a loop of their own, and return how many have the right answer."""

    async def row(question: str, gate: asyncio.Semaphore) -> tuple[str, str, bool]:
        async with gate:
            text = await answered(question, latency_s)
            return question, text, is_right(question, text)

    async def main() -> list[tuple[str, str, bool]]:
        gate = asyncio.Semaphore(AT_A_TIME)
        return await asyncio.gather(*(row(question, gate) for question in questions(count)))

    return sum(right for _, _, right in asyncio.run(main()))


def nbagent_map(count: int, latency_s: float) -> int:
    """Run rows with nbagent, and return how many have the right answer."""
    import nbagent

    async def stream(question: str) -> AsyncIterator[str]:
        yield await answered(question, latency_s)

    def check(question: str, run: nbagent.Run) -> bool:
        return is_right(question, run.text)

    runs = nbagent.map(stream, questions(count), check=check, concurrency=AT_A_TIME).wait()
    return sum(row.result.scores["check"] for row in runs.rows)


def executor_map(count: int, latency_s: float) -> int:
    """Run rows in threads, and return how many have the right answer."""

    def row(question: str) -> bool:
        time.sleep(latency_s)
        return is_right(question, answer(question))

    with ThreadPoolExecutor(AT_A_TIME) as executor:
        return sum(executor.map(row, questions(count)))


def nbagent_in_threads(count: int, latency_s: float) -> int:
    """Run rows with nbagent in threads, and return how many have the right answer."""
    import nbagent

    def stream(question: str) -> Iterator[str]:
        time.sleep(latency_s)
        yield answer(question)

    def check(question: str, run: nbagent.Run) -> bool:
        return is_right(question, run.text)

    with ThreadPoolExecutor(AT_A_TIME) as executor:
        runs = nbagent.map(stream, questions(count), check=check, executor=executor).wait()
    return sum(row.result.scores["check"] for row in runs.rows)


def pydantic_evals(count: int, latency_s: float) -> int:
    """Run rows with pydantic-evals, and return how many have the right answer."""
    from pydantic_evals import Case, Dataset
    from pydantic_evals.evaluators import Evaluator, EvaluatorContext

    class Right(Evaluator[str, str]):
        def evaluate(self, ctx: EvaluatorContext[str, str]) -> bool:
            return is_right(ctx.inputs, ctx.output)

    async def task(question: str) -> str:
        return await answered(question, latency_s)

    cases = [Case(inputs=question) for question in questions(count)]
    dataset = Dataset(name="bench", cases=cases, evaluators=[Right()])
    report = dataset.evaluate_sync(task, max_concurrency=AT_A_TIME, progress=False)
    return sum(bool(case.assertions["Right"].value) for case in report.cases)


def inspect_ai(count: int, latency_s: float) -> int:
    """Run rows with Inspect AI, and return how many have the right answer."""
    from inspect_ai import Task
    from inspect_ai import eval as evaluate
    from inspect_ai.dataset import Sample
    from inspect_ai.model import ModelOutput, ModelUsage, get_model
    from inspect_ai.scorer import Score, Target, accuracy, scorer
    from inspect_ai.solver import TaskState

    def output(messages: Any, *_: Any) -> ModelOutput:
        made = ModelOutput.from_content("mockllm/model", answer(messages[-1].text))
        # Else they are counted, by a tokenizer from the net.
        made.usage = ModelUsage(input_tokens=20, output_tokens=50, total_tokens=70)
        return made

    @scorer(metrics=[accuracy()])
    def right() -> Any:
        async def score(state: TaskState, target: Target) -> Score:
            return Score(value=is_right(state.input_text, state.output.completion))

        return score

    samples = [Sample(input=question) for question in questions(count)]
    with tempfile.TemporaryDirectory() as folder:
        [log] = evaluate(
            Task(dataset=samples, scorer=right()),
            model=get_model("mockllm/model", custom_outputs=output, memoize=False),
            display="none",
            log_dir=folder,
            max_samples=AT_A_TIME,
            max_connections=AT_A_TIME,
        )
    assert log.results is not None, log.error
    share: float = log.results.scores[0].metrics["accuracy"].value
    return round(share * count)


def dspy(count: int, latency_s: float) -> int:
    """Run rows with DSPy, and return how many have the right answer."""
    import dspy

    class Program(dspy.Module):
        def forward(self, question: str) -> dspy.Prediction:
            time.sleep(latency_s)
            return dspy.Prediction(answer=answer(question))

    def metric(example: Any, prediction: Any, trace: Any = None) -> bool:
        return is_right(example.question, prediction.answer)

    devset = [
        dspy.Example(question=question).with_inputs("question") for question in questions(count)
    ]
    evaluate = dspy.Evaluate(devset=devset, metric=metric, num_threads=AT_A_TIME)
    return sum(bool(right) for _, _, right in evaluate(Program()).results)


PEERS: dict[str, Callable[[int, float], int]] = {
    "asyncio.Semaphore": bare,
    "nbagent.map": nbagent_map,
    "executor.map, threads": executor_map,
    "nbagent.map, threads": nbagent_in_threads,
    "pydantic-evals": pydantic_evals,
    "DSPy Evaluate": dspy,
    "Inspect AI": inspect_ai,
}


LATE_PEERS = [peer for peer in PEERS if peer != "Inspect AI"]
"""Those of which the model may answer late."""


@dataclass(frozen=True)
class Cost:
    """Cost of a contestant.

    Attributes:
        cpu_us: processor microseconds of a row.
        peak_mb: megabytes of memory at most, of the whole process.
        more_mb: of these, what came with the rows.
        wall_s: seconds that all rows took.
    """

    cpu_us: float
    peak_mb: float
    more_mb: float
    wall_s: float


def peak_mb() -> float:
    """Return the megabytes of memory that this process has taken at most; on Linux."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def measure(peer: str, count: int, latency_s: float) -> None:
    """Run rows, and print the cost as JSON."""
    run = PEERS[peer]
    run(WARM_UP_ROWS, 0)
    began, before, memory = time.monotonic(), time.process_time(), peak_mb()
    right = run(count, latency_s)
    wall, spent = time.monotonic() - began, time.process_time() - before
    assert right == count, f"{right} of {count} answers are right"
    print(json.dumps([1e6 * spent / count, peak_mb(), peak_mb() - memory, wall]))


def cost(peer: str, count: int, latency_s: float) -> Cost:
    """Return the cost of a contestant, in a process of its own."""
    command = [sys.executable, "-m", "bench.evals", "--run", peer, str(count), str(latency_s)]
    # In a folder of its own: some leave files.
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return Cost(*json.loads(result.stdout.splitlines()[-1]))


def costs(peers: Iterable[str], count: int, rounds: int, latency_s: float) -> dict[str, Cost]:
    """Return the costs of contestants: the least of some rounds, as other load can only add."""
    best: dict[str, Cost] = {}
    for _, peer in itertools.product(range(rounds), peers):
        each = cost(peer, count, latency_s)
        best[peer] = Cost(*map(min, astuple(each), astuple(best.get(peer, each))))
    return best


def main(count: int = 2000, rounds: int = 3) -> None:
    """Print the costs."""
    print(f"{f'{count:,} rows':<22}{'CPU us a row':>14}{'peak MB':>10}{'of the rows':>13}")
    for peer, each in costs(PEERS, count, rounds, 0).items():
        print(f"{peer:<22}{each.cpu_us:>14,.0f}{each.peak_mb:>10.0f}{each.more_mb:>13.0f}")
        figure(
            "evals",
            f"{peer}, {count:,} rows: CPU us a row / peak MB / of the rows",
            f"{each.cpu_us:,.0f} / {each.peak_mb:,.0f} / {each.more_mb:,.0f}",
        )
    print(f"\n{f'{count:,} rows, each after {LATENCY_S} s':<34}{'s':>8}{'of the bare loop':>18}")
    late = costs(LATE_PEERS, count, rounds, LATENCY_S)
    bare_s = late["asyncio.Semaphore"].wall_s
    for peer, each in late.items():
        print(f"{peer:<34}{each.wall_s:>8.1f}{each.wall_s / bare_s:>18.2f}")
        figure(
            "evals",
            f"{peer}, {count:,} rows of a model that answers after {LATENCY_S} s: of the bare loop",
            f"{each.wall_s / bare_s:.2f}",
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        measure(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
    else:
        main(*map(int, sys.argv[1:]))
