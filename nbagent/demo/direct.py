"""The answer where no tool fits: what this model can do with the prompt, and what it cannot."""

from collections.abc import Sequence

from nbagent.demo import prose
from nbagent.demo.answer import SIGNATURE, Length
from nbagent.demo.conversation import Tool


def direct(prompt: str, tools: Sequence[Tool], length: Length = "normal") -> str:
    """Say what this model is, and what it could do with the tools it has."""
    asked = prose.escaped(prose.shortened(prompt, 160)) or "(nothing)"
    if length == "brief":
        return f"I know nothing by myself, so I can only say back: “{asked}”.\n\n{SIGNATURE}"
    sections = [
        f"You wrote:\n\n> {asked}",
        _WHAT_I_AM,
        *(_offered(tools) if tools else [_NO_TOOLS]),
        *_letters(prompt),
        _TRICKS,
    ]
    return "\n\n".join([*sections, *(_AT_LENGTH if length == "long" else ()), SIGNATURE])


def _offered(tools: Sequence[Tool]) -> list[str]:
    rows = [(tool.name, prose.shortened(tool.description.split("\n")[0], 60) or None) for tool in tools]
    shown = prose.table(("tool", "what it does"), rows)
    call = f'agent.stream("Call {tools[0].name}, please.")'
    return [
        f"None of your tools fits this prompt. These are the ones I have:\n\n{shown}",
        f"Name one and I call it:\n\n{prose.block(call, 'python')}",
    ]


def _letters(prompt: str) -> list[str]:
    """A formula with real numbers, even here."""
    words = prompt.split()
    if not words:
        return []
    letters = sum(map(len, words))
    mean = letters / len(words)
    sign = "=" if prose.is_exact(mean) else r"\approx"
    what = f"Your prompt has {prose.counted(len(words), 'word')} and {prose.counted(letters, 'character')}, which makes"
    return [f"{what}\n\n$$\n\\frac{{{letters}}}{{{len(words)}}} {sign} {prose.tex(mean)}\n$$\n\ncharacters a word."]


_WHAT_I_AM = """I know nothing by myself: I follow a script. What I do for real is call the tools that you give me, with \
arguments that I find in your prompt, and answer from what they return."""

_NO_TOOLS = '''You gave me no tools yet. Any function of yours will do:

```python
def load_sales(year: int) -> list[dict]:
    """Load the sales of one year."""
    ...

agent = nbagent.Agent(model="demo", tools=[load_sales])
agent.stream("Load the sales of 2025.")
```'''

_TRICKS = """Some words I take note of:

- **in parallel**: I call the tools in one turn instead of one after the other
- **no thinking**: I leave out the thoughts
- **long answer** or **be brief**: I write more, or less
- **count to 100**: I count, which is good for trying the Stop button
- **repeat: …**: I write your text back, character for character"""

_AT_LENGTH = (
    """### How a reply travels

This text comes from a small HTTP server inside your own Python process. It listens on 127.0.0.1 only, asks for a key that was \
made when it started, and speaks the two streams that OpenAI's API has: Responses and Chat Completions. The client on the \
other side is the real one, and nothing is pretended between the two.""",
    """### Why it comes in pieces

A language model writes one token after the other, and a token is a short word or a part of a longer one. I cut my script the \
same way and pause between the pieces, so that everything that reads along has to do what it does with a real model: show text \
that is not finished, close what is open, and stop when you say so.""",
    """### What happens when you press Stop

The client closes its connection. I wait on that very connection between two tokens, so I notice at once and write no more. \
The text up to there stays as it is. With a real model it is the same.""",
    """### What I am good for

1. Trying your tools before you spend money on a model.
2. Tutorials and tests that have to run without a network.
3. Seeing what a notebook does with thoughts, tool calls, errors, tables, code and formulas.

The same request always gets the same reply, so what you saw once you can see again.""",
    """### What I am not good for

Anything that needs knowledge, judgement or imagination. I match words, I copy values, and I do arithmetic on what your tools \
return. If a prompt needs more than that, use a real model: only the name changes.""",
)
