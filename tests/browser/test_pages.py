"""The pages' own clients read what the encoders write, in a real browser, whose `EventSource` and
React stay as they are.
"""

from typing import Any

from adapters.pages.serving import STREAMS, SYSTEMS, bundle, serving
from browser.expectation import expect
from playwright.sync_api import Page


def test_a_browsers_clients_show_the_answer_and_close(page: Page) -> None:
    with serving(bundle("browser.tsx")) as server:
        page.goto(server.url)
        cases = [(system, stream) for system in SYSTEMS.values() for stream in STREAMS]
        seen: list[dict[str, Any]] = [
            page.evaluate("(case_) => see(...case_)", [system, f"/{s}"]) for system, s in cases
        ]
        assert len(server.requests) == len(cases)  # an `EventSource` that is not closed asks again
    shown = {
        case: (found["text"] or "".join(found["notes"]), found["errors"])
        for case, found in zip(cases, seen, strict=True)
    }
    for (system, stream), (text, errors) in shown.items():
        assert text.startswith("" if stream == "failed-at-once" else "Let me look."), system
        assert errors == [], system
    assert {text for (_, stream), (text, _) in shown.items() if stream == "complete"} == {
        "Let me look.\n\nThree hits.",
        "Let me look.Three hits.",  # NEAR AI's two messages
        'Let me look.\n[Tool: search("x")]\nOutput: three\nThree hits.',
    }


def test_dextos_react_component_can_send_again_in_the_same_session(page: Page) -> None:
    with serving(bundle("browser.tsx")) as server:
        for stream, text in (
            ("complete", "Let me look.\n\nThree hits."),
            ("stopped", "Let me look."),
            ("failed-at-once", ""),
        ):
            page.goto(server.url)
            page.evaluate("(base) => draw(base)", f"/{stream}")
            for _ in range(2):
                page.get_by_role("textbox").fill("Hello")
                with page.expect_event("requestfinished"):
                    page.get_by_role("button", name="Send").click()
                expect(page.get_by_role("button", name="Send")).to_be_enabled()
            assert (page.locator(".messages").text_content() or "") == text
        bodies = [body for _, body in server.requests]
    assert bodies == ['{"message":"Hello"}', '{"message":"Hello","sessionId":"session-7"}'] * 3
