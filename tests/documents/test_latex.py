r"""The saved notebook as LaTeX, by nbconvert and pandoc: no text of a run is a command such as
`\input`.
"""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import nbformat
import pypandoc
import pytest
from campaign import figure, sample
from hypothesis import given
from hypothesis import strategies as st
from nbconvert.exporters import LatexExporter
from render.test_html import everywhere

import nbagent
from nbagent import events as e
from nbagent.render.markup.embedded import embedded_markdown
from nbagent.render.static_copy import static_copy
from nbagent.run import Run

PANDOC = Path(pypandoc.get_pandoc_path())

# `^^5c` is a backslash to TeX.
COMMANDS = [
    r"\qattack{x}",
    "^^5cqattack{x}",
    "^^5Cqattack{x}",
    r"\text{\qattack}",
    "^^^^005cqattack",
]
# What makes TeX of it, to pandoc or to nbconvert, in prose, in formulas, or where only the view
# takes a text for code.
FORMS = [
    "¤",
    "$¤$",
    "$$¤$$",
    "$$\n¤\n$$",
    "$5 ¤$",
    "$ ¤ $",
    "x$\n¤\n$",
    "$a$¤$b$",
    "$a % b$\n¤",
    r"\(¤\)",
    r"\[¤\]",
    "\\[\n¤\n\\]",
    r"\\(¤\\)",
    r"\\[¤\\]",
    "\\\\(a\n¤\\\\)",
    "\\\\[\n¤\n\\\\]",
    r"\\\(¤\\\)",
    r"\\\\(¤\\\\)",
    r"&#92;\(¤&#92;\)",
    r"&#92;(¤\\)",
    r"&bsol;&lpar;¤&bsol;&rpar;",
    r"**\\(¤\\)**",
    r"\*\\(¤\\)",
    r"[\\(¤\\)](http://x.example)",
    "\\begin{equation}¤\\end{equation}",
    "\\begin{x}\n¤\n\\end{x}",
    "\\newcommand{\\x}{¤}",
    "\\def\\x{¤}\\x",
    '<cite data-cite="¤">x</cite>',
    '<cite data-cite="a}¤">x</cite>',
    "<p DATA-cite='a}¤'>",
    "```\n<p data-cite='a}¤'>\n```",
    "`<p data-cite='a}¤'>`",
    "`¤`{=latex}",
    "```{=latex}\n¤\n```",
    "``` a {=latex}\n¤\n```",
    "~~~{.¤}\nx\n~~~",
    "```¤\nx\n```",
    "```\n\\end{verbatim}¤\n```",
    "    \\end{verbatim}¤",
    "`\\end{verbatim}¤`",
    "```\n¤\n",
    "> ```\n> ¤\n\nx",
    "- ```\n  ¤\n\nx",
    "- ```{=latex}\n  ¤\n  ```",
    "- a\n\n      ¤",
    "1. a\n\n        ¤",
    "\t¤",
    "text\n    ¤",
    "[a](<x ¤>)",
    "[x](¤)",
    '![a](x "¤")',
    "![¤](http://x.example/y.png)",
    "<http://x.example/¤>",
    "http://x.example/¤",
    "[^1]\n\n[^1]: ¤",
    "[a]\n\n[a]: ¤ (¤)",
    "|a|\n|-|\n|¤|",
    "|a|\n|-|\n|`x|¤`|",
    "a\n: ¤",
    "[@¤]",
    "# ¤",
    "# x {#¤}",
    "\\\n¤",
    "\\¤",
    r"\\\¤",
    "| ¤",
    "::: {.¤}\nx\n:::",
    "[x]{.¤}",
    "H~¤~",
    "x^¤^",
    "---\ntitle: ¤\n---",
    "% ¤",
    "<div>¤</div>",
]
TEXTS = [form.replace("¤", command) for command in COMMANDS for form in FORMS]


def live(latex: str) -> list[str]:
    """Return what TeX would run of a text whose commands begin with "q"."""
    run = re.sub(r"\\begin\{verbatim\}.*?\\end\{verbatim\}", "", latex, flags=re.DOTALL)
    return re.findall(r"\\q\w*|\^\^", run)


def pandoc(markdown: str) -> str:
    """Return a Markdown output as LaTeX, converted as nbconvert does."""
    command = [str(PANDOC), "--from=markdown+tex_math_double_backslash", "--to=latex"]
    result = subprocess.run(command, input=markdown, capture_output=True, text=True, check=True)
    return str(result.stdout)


def test_no_text_of_a_run_is_a_command_to_latex(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{PANDOC.parent}{os.pathsep}{os.environ['PATH']}")
    texts = sample(TEXTS, 60)
    outputs = [
        nbformat.v4.new_output("display_data", static_copy(everywhere(text), dom_key="m"))
        for text in texts
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("run", outputs=outputs)])
    exporter: Any = LatexExporter
    latex, _ = exporter().from_notebook_node(book)
    body = latex.partition(r"\begin{document}")[2]
    assert body.count("qattack") > 20 * len(texts)  # the texts are there
    assert live(body) == []
    figure("LaTeX", "texts in every field: commands that TeX would run", f"0 of {len(texts)}")


@pytest.mark.parametrize("quote", ["> ", "- ", "1. a\n\n   ", "- > ", "|a|b|\n|-|-|\n|x|"])
def test_no_answer_is_a_command_whatever_stands_around_it(quote: str) -> None:
    indent = "> " if quote == "> " else " " * len(quote.rpartition("\n")[2])
    answers = [quote + text.replace("\n", f"\n{indent}") for text in sample(TEXTS, 100)]
    latex = pandoc("\n\n".join(map(embedded_markdown, answers)))
    assert latex.count("qattack") > len(answers) / 2
    assert live(latex) == []


def test_no_text_of_a_comparison_is_a_command() -> None:
    def said(text: str) -> Run:
        call = [e.ToolStart(id="c", name=text), e.ToolArgs(id="c", args={text: text})]
        result = e.ToolResult(id="c", content=text)
        return Run([e.RunStart(name=text), *call, result, e.TextDelta(id="t", delta=text)]).wait(9)

    texts = sample(TEXTS, 30)
    compared = [nbagent.compare(said(f"{text}1"), said(f"{text}2")) for text in texts]
    latex = pandoc("\n\n".join(each._repr_markdown_() for each in compared))
    assert latex.count("qattack") > len(texts)
    assert live(latex) == []


@given(st.text(st.sampled_from("\\q([])$^5c`{}=>-~*_<&|#: \n\ta1"), max_size=40))
def test_no_text_of_markup_is_a_command(text: str) -> None:
    assert live(pandoc(embedded_markdown(text))) == []
