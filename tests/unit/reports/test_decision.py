from __future__ import annotations

import math
from html.parser import HTMLParser
from pathlib import Path

import pytest

from torneo.reports.decision import bounds, decision_page, decision_plot
from torneo.spec.records import Comparison, Decision, GuardrailResult, Verdict

NASTY = "<script>alert('1')</script>&\"\x00"


def compared(challenger: str, gain: float, low: float, high: float, verdict: Verdict) -> Comparison:
    return Comparison(
        challenger=challenger, metric="rmse", champion_score=3.2, challenger_score=3.2 - gain, gain=gain, low=low,
        high=high, p_value=0.01, p_adjusted=0.02, test="paired bootstrap", rows=102, verdict=verdict,
    )  # fmt: skip


def decision(**changes: object) -> Decision:
    given = {
        "verdict": "promote", "winner": "tuned", "champion": "version 3", "metric": "rmse", "confidence": 0.95,
        "min_gain": 0.1, "protocol": "holdout", "rows": 102, "scores": {"champion": 3.2, "tuned": 2.8, "wild": 2.5},
        "comparisons": (
            compared("tuned", 0.4, 0.2, 0.6, "promote"), compared("wild", 0.7, 0.4, math.inf, "inconclusive"),
        ),
        "guardrails": (GuardrailResult(challenger="wild", name="latency_ms", bar="< 5", value=8.1, passed=False),),
        "vetoes": {"wild": ("its latency_ms is 8.1, and the bar is < 5",)},
        "words": ("Promote: 'tuned' becomes champion in place of version 3.", "A second sentence."),
    }  # fmt: skip
    return Decision.model_validate({**given, **changes})


class Elements(HTMLParser):
    """Collects elements, and what they are nested in."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action")]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_tells_everything() -> None:
    found = Elements(decision_page(decision(), "housing"))
    text = "\n".join(found.texts)
    said = (
        "housing", "Promote: 'tuned'", "A second sentence.", "version 3", "latency_ms", "8.1", "< 5", "failed",
        "its latency_ms is 8.1, and the bar is < 5", "0.4  [0.2, 0.6]", "2 %", "paired bootstrap",
    )  # fmt: skip
    assert [each for each in said if each not in text] == []
    assert not found.open
    assert not found.links
    assert not found.tags & {"script", "link", "img", "iframe"}


def test_a_vetoed_challenger_is_shown_as_vetoed() -> None:
    text = decision_page(decision(), "housing")
    assert '<g class="vetoed">' in text
    assert '<g class="inconclusive">' not in text


def test_text_is_escaped_everywhere() -> None:
    page = decision_page(
        decision(
            winner=NASTY, champion=NASTY, metric=NASTY, scores={NASTY: 1.0}, words=(NASTY, NASTY),
            vetoes={NASTY: (NASTY,)}, comparisons=(compared(NASTY, 1, 0, 2, "promote"),),
            guardrails=(GuardrailResult(challenger=NASTY, name=NASTY, bar=NASTY, value=1, passed=True),),
        ),
        NASTY,
    )  # fmt: skip
    assert "<script" not in page
    assert "\x00" not in page
    assert "&lt;script&gt;" in page
    assert not Elements(page).open


def test_the_first_champion_has_scores_and_no_gains(tmp_path: Path) -> None:
    first = decision(comparisons=(), champion=None, scores={"tuned": 2.8}, words=())
    page = decision_page(first, "housing")
    assert "How much better" not in page
    assert "2.8" in page
    assert decision_plot(first, tmp_path / "decision.png").read_bytes().startswith(b"\x89PNG")


def test_the_picture_is_the_same_each_time(tmp_path: Path) -> None:
    first = decision_plot(decision(), tmp_path / "a.png").read_bytes()
    assert first.startswith(b"\x89PNG")
    assert decision_plot(decision(), tmp_path / "b.png").read_bytes() == first
    assert decision_plot(decision(min_gain=0.3), tmp_path / "c.png").read_bytes() != first


@pytest.mark.parametrize("end", [math.inf, math.nan])
def test_ends_without_a_number_do_not_break_the_picture(tmp_path: Path, end: float) -> None:
    odd = decision(comparisons=(compared("tuned", 0.1, -end, end, "inconclusive"),))
    low, high = bounds(odd)
    assert low < 0 < 0.1 < high
    assert "NaN" not in decision_page(odd, "housing").replace("nan", "")
    decision_plot(odd, tmp_path / "decision.png")
