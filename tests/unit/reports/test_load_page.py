from __future__ import annotations

import datetime

from torneo.reports.load_page import counts, load_page
from torneo.spec.load_records import LoadReport
from torneo.spec.tables import Merged, Window

NOW = datetime.datetime(2026, 1, 6, 3, tzinfo=datetime.UTC)
DAY = datetime.date(2026, 1, 5)
REPORT = LoadReport(
    project="coins",
    run="r1",
    to="prod.coins",
    source="coins.csv",
    file="coins <b>.csv",
    window=Window(column="day", first=DAY, last=DAY),
    status="rejected_rows",
    rows=1_000_010,
    left_out=0,
    outside_window=3,
    accepted=1_000_000,
    rejected=7,
    reasons={"invalid_day": 2, "<script>": 6},
    merged=Merged(staged=1_000_000, inserted=1, updated=2, reactivated=3, unchanged=999_994, deactivated=5),
)


def test_the_page_has_every_number_and_runs_nothing() -> None:
    page = load_page(REPORT, NOW)
    for text in ("1,000,010", "999,994", "rejected rows", "2026-01-05 to 2026-01-05", "2026-01-06 03:00 UTC"):
        assert text in page
    assert "<script>" not in page
    assert "torneo quarantine show coins" in page
    assert "coins &lt;b&gt;.csv" in page
    assert page.index("&lt;script&gt;") < page.index("invalid_day")


def test_a_stopped_run_says_why_and_merges_nothing() -> None:
    stopped = REPORT.model_copy(update={"merged": None, "status": "stopped", "error": "too many"})
    assert '<p class="failed">too many</p>' in load_page(stopped, NOW)
    assert list(counts(stopped)) == ["rows in", "outside the window", "refused"]


def test_rows_that_where_leaves_out_are_counted_if_there_are_any() -> None:
    assert counts(REPORT.model_copy(update={"left_out": 4}))["left out by where"] == 4
    assert "left out by where" not in counts(REPORT)


def test_copies_are_told_apart_and_a_load_without_rows_says_so() -> None:
    copied = REPORT.model_copy(update={"reasons": {"repeated_row": 3, "invalid_day": 4}})
    assert (counts(copied)["refused"], counts(copied)["exact copies"]) == (4, 3)
    assert "nothing came, 2026-01-06" in load_page(REPORT.model_copy(update={"file": "", "source": ""}), NOW)
