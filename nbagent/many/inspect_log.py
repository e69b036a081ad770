"""Rows of a map as a log of Inspect AI, which its viewers open.

A file `.eval` is a ZIP archive of JSON: `header.json`, `summaries.json`, and a file for each sample
(https://inspect.aisi.org.uk/eval-logs.html).
"""

import datetime
import json
import secrets
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nbagent import events as e
from nbagent.errors import NbagentError
from nbagent.events.jsonable import json_safe
from nbagent.many.intervals import Interval
from nbagent.many.outcome import Outcome
from nbagent.many.row import Row
from nbagent.run import Run

Json = dict[str, Any]

FORMAT = 2
"""Version of the format."""

SUMMARY_FIELDS = ("id", "epoch", "input", "target", "metadata", "scores", "model_usage")
"""Fields of a sample that its summary has, too."""

STOP_REASONS = {"completed": "stop", "incomplete": "max_tokens", "max_steps": "max_tokens"}
"""Reasons for which an answer ended, by the status of its row."""


def write_log(
    path: Path,
    rows: Sequence[Row],
    run_of: Callable[[Row], Run],
    scores: Mapping[str, Interval],
    mask: Callable[[str], str],
) -> None:
    """Write the rows that have ended.

    Args:
        path: of the file.
        rows: of the map.
        run_of: returns the run of a row.
        scores: means of the checks, by name.
        mask: masks the text of an item.

    Raises:
        OSError: the file cannot be written.
    """
    ended = [row for row in rows if row.outcome is not None]
    models: set[str] = set()
    seen: Counter[tuple[str, int]] = Counter()
    summaries = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for row in ended:
            sample = _sample(row, _run(row, run_of), mask)
            place = sample["id"], sample["epoch"]
            seen[place] += 1
            if seen[place] > 1:  # a label may be there twice
                sample["id"] += f" #{seen[place]}"
            models.update(sample["model_usage"])
            summaries.append(_summary(sample))
            _write(file, f"samples/{sample['id']}_epoch_{sample['epoch']}.json", sample)
        _write(file, "summaries.json", summaries)
        _write(file, "header.json", _header(path.stem, rows, ended, sorted(models), scores))


def _write(file: zipfile.ZipFile, name: str, value: Any) -> None:
    file.writestr(name, json.dumps(value, ensure_ascii=False, allow_nan=True))


def _run(row: Row, run_of: Callable[[Row], Run]) -> Run | None:
    """Return the run of a row; None if it could not begin."""
    try:
        return run_of(row)
    except NbagentError:
        return None


def _sample(row: Row, run: Run | None, mask: Callable[[str], str]) -> Json:
    outcome = row.outcome
    assert outcome is not None
    name = " ".join(part for part in (row.agent, str(row.item.label)) if part)
    model = _model(run) or row.agent or "unknown"
    sample: Json = {
        "id": name,
        "epoch": row.repeat,
        "input": mask(str(row.item.prompt)),
        "target": "",
        "messages": [] if run is None else [_message(each) for each in run.messages],
        "output": _output(model, outcome),
        "scores": {name: {"value": value} for name, value in _values(outcome).items()},
        "metadata": {"label": json_safe(row.item.label), "status": outcome.status},
        "model_usage": {model: _usage(outcome)},
        "total_time": outcome.seconds,
    }
    if not outcome.is_final:
        message = outcome.error or outcome.status
        sample["error"] = {"message": message, "traceback": message, "traceback_ansi": message}
    return sample


def _model(run: Run | None) -> str | None:
    """Return the model of a run, as its stream names it."""
    if run is None:
        return None
    for event in run.events:
        if isinstance(event, e.RunStart | e.StepStart) and event.model:
            return event.model
    return None


def _values(outcome: Outcome) -> Json:
    """Return the values of the checks, but for those that failed."""
    return {name: value for name, value in outcome.scores.items() if value is not None}


def _output(model: str, outcome: Outcome) -> Json:
    choice = {
        "message": {"role": "assistant", "content": outcome.answer, "source": "generate"},
        "stop_reason": STOP_REASONS.get(outcome.status, "unknown"),
    }
    return {"model": model, "choices": [choice], "usage": _usage(outcome)}


def _usage(outcome: Outcome) -> Json:
    return {
        "input_tokens": outcome.input or 0,
        "output_tokens": outcome.output or 0,
        "total_tokens": outcome.tokens or 0,
    }


def _message(message: Mapping[str, Any]) -> Json:
    """Return a message of Chat Completions as Inspect has it."""
    made: Json = {"role": message["role"], "content": _text(message.get("content"))}
    calls = message.get("tool_calls")
    if calls:
        made["tool_calls"] = [_call(each) for each in calls]
    if "tool_call_id" in message:
        made["tool_call_id"] = message["tool_call_id"]
    return made


def _text(content: Any) -> str:
    """Return the text of a message's content, which may be a list of parts."""
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if isinstance(part, Mapping))
    return str(content or "")


def _call(call: Mapping[str, Any]) -> Json:
    function = call["function"]
    made: Json = {"id": call["id"], "function": function["name"], "type": "function"}
    try:
        arguments = json.loads(function["arguments"] or "{}")
    except json.JSONDecodeError as error:
        return {**made, "arguments": {}, "parse_error": str(error)}
    return {**made, "arguments": arguments if isinstance(arguments, dict) else {}}


def _summary(sample: Json) -> Json:
    summary = {name: sample[name] for name in SUMMARY_FIELDS}
    if "error" in sample:
        summary["error"] = sample["error"]["message"]
    return {**summary, "completed": True, "message_count": len(sample["messages"])}


def _header(
    name: str,
    rows: Sequence[Row],
    ended: Sequence[Row],
    models: Sequence[str],
    scores: Mapping[str, Interval],
) -> Json:
    now = datetime.datetime.now(datetime.UTC).isoformat()
    began = [row.began for row in ended if row.began is not None]
    first = datetime.datetime.fromtimestamp(min(began), datetime.UTC).isoformat() if began else now
    ids = {"eval_id": secrets.token_hex(11), "run_id": secrets.token_hex(11)}
    spec = {
        **ids,
        "created": now,
        "task": name,
        "task_id": name,
        "dataset": {"name": name, "samples": len(rows)},
        "model": ", ".join(models) or "unknown",
        "config": {"epochs": max((row.repeat for row in rows), default=1)},
    }
    results = {
        "total_samples": len(rows),
        "completed_samples": sum(not row.has_failed for row in ended),
        "scores": [_score(name, each) for name, each in scores.items()],
    }
    return {
        "version": FORMAT,
        "status": "success" if len(ended) == len(rows) else "cancelled",
        "eval": spec,
        "plan": {},
        "results": results,
        "stats": {"started_at": first, "completed_at": now},
    }


def _score(name: str, mean: Interval) -> Json:
    return {
        "name": name,
        "scorer": name,
        "metrics": {"mean": {"name": "mean", "value": mean.mean}},
    }
