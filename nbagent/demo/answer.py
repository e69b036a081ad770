"""The answer, in Markdown, built from what the tools returned. Every number in it is theirs or computed from theirs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nbagent.demo import prose
from nbagent.demo.conversation import Call
from nbagent.demo.plan import stems
from nbagent.demo.results import Result, Table, is_measure, is_number

SIGNATURE = "_demo model: a scripted stand-in, no language model_"

Length = Literal["brief", "normal", "long"]

_ROWS: dict[Length, int] = {"brief": 5, "normal": 6, "long": 30}
_TIME = re.compile(r"(^|_)(year|month|quarter|week|day|date|time)$", re.IGNORECASE)
_SUMMED = re.compile(
    r"amount|cost|count|number|population|profit|quantity|revenue|sales|total|units|visits|orders", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Done:
    """A call and what came of it; `earlier` if it was made for a previous prompt."""

    call: Call
    result: Result
    earlier: bool = False


def compose(prompt: str, done: Sequence[Done], length: Length = "normal", note: str = "") -> str:
    """The answer to `prompt` from what was done. `note` is one more sentence for the opening."""
    opening = " ".join(part for part in (_headline(prompt, done), _trouble(done), note) if part)
    if length == "brief":
        return f"{opening}\n\n{SIGNATURE}"
    sections = [opening, *(_section(one, _ROWS[length]) for one in done)]
    if length == "long":
        sections += [_statistics(one) for one in done if one.result.table and one.result.table.measures()]
    sections += ["### The calls, as code", prose.block(_as_code(done), "python"), *_formula(prompt, done), SIGNATURE]
    return "\n\n".join(sections)


def outcome(result: Result) -> str:
    """What came back, in a few words: `12 rows, 4 columns`."""
    if result.error is not None:
        return "not allowed" if result.denied else "failed"
    if result.table:
        return f"{prose.counted(result.table.length, 'row')}, {prose.counted(len(result.table.columns), 'column')}"
    if result.facts:
        return prose.counted(len(result.facts), "value")
    if isinstance(result.value, list):
        return prose.counted(len(result.value), "item")
    if isinstance(result.value, str):
        return prose.counted(len(result.text), "character") if result.text.strip() else "nothing"
    return "nothing" if result.value is None else prose.shortened(str(result.value), 30)


# --- the opening ------------------------------------------------------------------------------------------------------


def _headline(prompt: str, done: Sequence[Done]) -> str:
    """The one sentence that says most: about the measure that the prompt names, of the most condensed table."""
    if found := _main(prompt, done):
        return _table_headline(prompt, *found)
    for one in reversed(done):
        result = one.result
        if result.error is None and not isinstance(result.value, str | list | dict | None):
            return f"{prose.code(one.call.name)} gives **{prose.cell(result.value)}**."
    good = [one for one in done if one.result.error is None]
    if not good:
        return "I have no answer: nothing that I called gave a result."
    return f"Here is what {prose.listed(_names(good))} returned."


def _names(done: Sequence[Done]) -> list[str]:
    return list(dict.fromkeys(prose.code(one.call.name) for one in done))


def _main(prompt: str, done: Sequence[Done]) -> tuple[str, Table, int] | None:
    """The tool, its table and the column that the answer is mostly about."""
    tables = [(one.call.name, one.result.table) for one in done if one.result.error is None and one.result.table]
    measured = [(name, table) for name, table in tables if table.measures()]
    if not measured:
        return None
    small = [(name, table) for name, table in measured if 2 <= len(table.rows) <= 8]
    name, table = (small or measured)[-1]
    measures, asked = table.measures(), stems(prompt)
    return name, table, next((index for index in measures if stems(table.columns[index]) & asked), measures[-1])


def _label(table: Table, measure: int) -> int | None:
    """The column that says what a row is about."""
    others = [index for index in range(len(table.columns)) if index != measure and index not in table.measures()]
    unique = [index for index in others if len(set(map(str, table.column(index)))) == len(table.rows)]
    return next(iter(unique), None)


def _over(tool: str, table: Table) -> str:
    rows = len(table.rows)
    if table.length > rows:
        return f"over the first {rows} of the {prose.number(table.length)} rows of {prose.code(tool)}"
    return f"over the {rows} rows of {prose.code(tool)}" if rows > 1 else f"in the one row of {prose.code(tool)}"


def _table_headline(prompt: str, tool: str, table: Table, measure: int) -> str:
    name, values = prose.escaped(table.columns[measure]), table.column(measure)
    asked = prompt.lower()
    over = _over(tool, table)
    if re.search(r"\b(mean|average)\b", asked):
        return f"The mean {name} is **{prose.number(sum(values) / len(values))}** {over}."
    if re.search(r"\b(total|sum|altogether|in all)\b", asked):
        return f"The total {name} is **{prose.number(sum(values))}** {over}."
    if re.search(r"\bhow many\b", asked):
        return f"There are **{prose.counted(len(values), 'row')}**."
    label = _label(table, measure)
    if label is None or len(values) < 2:
        low, high = prose.number(min(values)), prose.number(max(values))
        return f"The {name} is **{high}**." if low == high else f"The {name} runs from **{low}** to **{high}** {over}."
    names = [prose.cell(value, grouped=False) for value in table.column(label)]
    high, low = max(values), min(values)
    best, worst = names[values.index(high)], names[values.index(low)]
    if re.search(r"\b(lowest|least|smallest|worst|minimum|min)\b", asked):
        return f"**{worst}** has the lowest {name}, **{prose.number(low)}**; the highest is {prose.number(high)} ({best})."
    share = ""
    total = sum(values)
    if _SUMMED.search(table.columns[measure]) and low >= 0 and total > 0:
        share = f", {high / total:.0%} of the {prose.number(total)} in all"
    return f"**{best}** has the highest {name}, **{prose.number(high)}**{share}; the lowest is {prose.number(low)} ({worst})."


def _trouble(done: Sequence[Done]) -> str:
    failed = _names([one for one in done if one.result.error is not None and not one.result.denied])
    denied = _names([one for one in done if one.result.denied])
    said = []
    if failed:
        said.append(f"{prose.listed(failed)} failed, so what {_it(failed)} would have added is missing.")
    if denied:
        were = "was" if len(denied) == 1 else "were"
        said.append(f"{prose.listed(denied)} {were} not allowed, so I went on without {_it(denied, True)}.")
    return " ".join(said)


def _it(names: Sequence[str], as_object: bool = False) -> str:
    return "it" if len(names) == 1 else "them" if as_object else "they"


# --- one section for each call ----------------------------------------------------------------------------------------


def _section(one: Done, rows: int) -> str:
    title = prose.code(prose.shortened(str(one.call), 80))
    if one.result.error is not None:
        heading = f"### {title} {'was not allowed' if one.result.denied else 'failed'}"
        return f"{heading}\n\n> {prose.escaped(one.result.error)}\n\nI carried on without it and made nothing up in its place."
    heading = f"### {title}{' (from before)' if one.earlier else ''}"
    return f"{heading}\n\n{_body(one.result, rows)}"


def _body(result: Result, rows: int) -> str:
    parts = []
    if result.table:
        if result.facts:
            parts.append(_bullets(result))
        parts.append(prose.data_table(result.table, rows))
    elif len(result.facts) > 3:
        parts.append(_field_table(result))
    elif result.facts:
        parts.append(_bullets(result))
    elif isinstance(result.value, list):
        shown = ", ".join(prose.cell(value) for value in result.value[:12])
        more = f" and {len(result.value) - 12} more" if len(result.value) > 12 else ""
        parts.append(
            f"It returned {prose.counted(len(result.value), 'item')}: {shown}{more}." if shown else "It returned an empty list."
        )
    elif isinstance(result.value, str):
        parts.append(_quoted(result.value))
    else:
        empty = result.value is None or result.value == {}
        parts.append("It returned nothing." if empty else f"It returned **{prose.cell(result.value)}**.")
    return "\n\n".join(parts)


def _bullets(result: Result) -> str:
    return "\n".join(f"- **{prose.cell(name)}**: {_fact(name, value)}" for name, value in result.facts.items())


def _field_table(result: Result, most: int = 20) -> str:
    lines = [f"| {prose.cell(name)} | {_fact(name, value)} |" for name, value in list(result.facts.items())[:most]]
    more = f"\n\n_The first {most} of {len(result.facts)} fields._" if len(result.facts) > most else ""
    return "\n".join(["| field | value |", "|---|---|", *lines]) + more


def _fact(name: str, value: Any) -> str:
    return prose.cell(value, grouped=is_measure(name))


def _quoted(text: str) -> str:
    if not text.strip():
        return "It returned an empty text."
    lines = text.strip().splitlines()
    if len(lines) == 1:
        return f"> {prose.escaped(prose.shortened(lines[0], 300))}"
    shown = prose.shortened("\n".join(lines[:8]), 600)
    more = "" if shown == "\n".join(lines) else f"\n\n_The beginning of {prose.counted(len(text), 'character')}._"
    return prose.block(shown, "text") + more


def _statistics(one: Done) -> str:
    table = one.result.table
    assert table is not None
    rows = []
    for index in table.measures():
        values = table.column(index)
        rows.append((table.columns[index], len(values), min(values), sum(values) / len(values), max(values)))
    heading = f"### The numbers of {prose.code(one.call.name)}"
    return f"{heading}\n\n{prose.table(('column', 'rows', 'lowest', 'mean', 'highest'), rows, range(1, 5))}"


def _as_code(done: Sequence[Done]) -> str:
    calls = [prose.shortened(str(one.call), 90) for one in done]
    width = max(map(len, calls))
    return "\n".join(f"{call:<{width}}  # {outcome(one.result)}" for call, one in zip(calls, done, strict=True))


# --- the formula ------------------------------------------------------------------------------------------------------


def _formula(prompt: str, done: Sequence[Done]) -> list[str]:
    """A heading, a sentence and a formula with numbers from the results; the share of calls that worked, if they have none."""
    if found := _main(prompt, done):
        tool, table, measure = found
        label = _label(table, measure)
        values = table.column(measure)
        if len(values) > 1 and label is not None and _TIME.search(table.columns[label]) and values[0]:
            return _growth(table, measure, label)
        if len(values) > 1:
            return _mean(tool, table, measure)
    for one in reversed(done):
        if one.result.error is None and is_number(one.result.value):
            inside = ", ".join(prose.tex(v) if is_number(v) else prose.tex_name(str(v)) for v in one.call.args.values())
            sum_ = rf"{prose.tex_name(one.call.name)}({inside}) = {prose.tex(one.result.value)}"
            return ["### The arithmetic", f"As a formula:\n\n$$\n{sum_}\n$$"]
    worked = sum(one.result.error is None for one in done)
    sign, share = ("=", f"{worked / len(done):.0%}".replace("%", r"\%"))
    sign = "=" if 100 * worked % len(done) == 0 else r"\approx"
    return [
        "### The arithmetic",
        f"Share of the calls that worked:\n\n$$\n\\frac{{{worked}}}{{{len(done)}}} {sign} {share}\n$$",
    ]


def _mean(tool: str, table: Table, measure: int) -> list[str]:
    values = table.column(measure)
    mean = sum(values) / len(values)
    shown = [prose.tex(value) for value in values]
    if len(shown) > 6:
        shown = [*shown[:2], r"\cdots", shown[-1]]
    sign = "=" if prose.is_exact(mean) and all(map(prose.is_exact, values)) else r"\approx"
    sum_ = re.sub(r"\+ -", "- ", " + ".join(shown))
    name = prose.escaped(table.columns[measure])
    formula = rf"\frac{{{sum_}}}{{{len(values)}}} {sign} {prose.tex(mean)}"
    return ["### The arithmetic", f"The mean {name} {_over(tool, table)} is\n\n$$\n{formula}\n$$"]


def _growth(table: Table, measure: int, label: int) -> list[str]:
    values, labels = table.column(measure), table.column(label)
    growth = 100 * (values[-1] - values[0]) / abs(values[0])
    sign = "=" if abs(growth - round(growth, 1)) < 1e-9 else r"\approx"
    first, last = prose.cell(labels[0], False), prose.cell(labels[-1], False)
    name = prose.escaped(table.columns[measure])
    top = f"{prose.tex(values[-1])} - {_bracketed(values[0])}"
    formula = rf"\frac{{{top}}}{{{prose.tex(abs(values[0]))}}} {sign} {growth:+.1f}\%"
    return ["### The arithmetic", f"From {first} to {last}, {name} changed by\n\n$$\n{formula}\n$$"]


def _bracketed(value: float) -> str:
    return f"({prose.tex(value)})" if value < 0 else prose.tex(value)
