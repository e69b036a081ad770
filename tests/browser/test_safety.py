"""Nothing a model or a tool says can run, fetch, cover or leak."""

from collections.abc import Iterator

import pytest
from browser.attacks import payloads, prefixes, transcript_saying
from browser.stage import Stage, faces
from campaign import WHOLE, figure, sample
from playwright.sync_api import Browser

BATCH = 10


@pytest.fixture
def stage(browser: Browser) -> Iterator[Stage]:
    """The stage, in a page of its own."""
    stage = Stage(browser)
    yield stage
    stage.close()


def judged(stage: Stage, texts: list[str], *, live: bool) -> tuple[list[str], int]:
    """Says each text in every field of every face; what is wrong, and how many elements were looked at."""
    wrong: list[str] = []
    elements = 0
    for start in range(0, len(texts), BATCH):
        group = texts[start : start + BATCH]
        for face, cases in faces(transcript_saying(text, live=live) for text in group).items():
            found, looked = stage.judge(face, cases)
            wrong += [f"{face}: {what}" for what in found]
            elements += looked
        assert not wrong, "\n".join([*dict.fromkeys(wrong[:20]), *(repr(text) for text in group)])
    return wrong, elements


def test_every_payload_whole_in_every_field(stage: Stage) -> None:
    texts = sample(payloads(), 100)
    wrong, elements = judged(stage, texts, live=False)
    assert wrong == []
    figure("safety", "payloads drawn whole in every field, nothing wrong", f"{len(texts):,} ({elements:,} elements)")
