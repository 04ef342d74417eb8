"""Gauges: who serves, what waits, what is open, how far columns have drifted."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from prometheus_client import CollectorRegistry, Gauge


class Gauges:
    """Labels are bounded: projects, rules of the watchdog, columns of the champion's baseline."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, words: str, labels: list[str], mode: str) -> Gauge:
            return Gauge(name, words, labels, registry=registry, multiprocess_mode=mode)  # type: ignore[arg-type]

        one, each = ["project"], ["project", "column"]
        self._champion = gauge("torneo_champion_version", "The version that is champion; 0 for none.", one, "livemax")
        self._trouble = gauge(
            "torneo_follower_trouble", "Whether a worker's champion may be older than it should be.", one, "livemax"
        )
        self._waiting = gauge("torneo_log_waiting_rows", "Rows that wait to be written to the log.", [], "livesum")
        self._failing = gauge("torneo_log_failing", "Whether the log cannot be written now.", [], "livemax")
        self._alerts = gauge("torneo_open_alerts", "Open alerts.", ["project", "rule"], "mostrecent")
        self._effects = gauge(
            "torneo_drift_effect_ratio",
            "A column's largest drift effect over the last window, as a multiple of its threshold.",
            each,
            "mostrecent",
        )
        self._drifted = gauge("torneo_drifted", "Whether a column drifted over the last window.", each, "mostrecent")
        self._rows = gauge("torneo_drift_window_rows", "Rows that drift was looked for in.", one, "mostrecent")
        self._looked = gauge(
            "torneo_drift_timestamp_seconds", "When drift was looked for, in seconds since 1970.", one, "mostrecent"
        )
        self._passed = gauge(
            "torneo_watchdog_timestamp_seconds", "When the watchdog made its last pass.", one, "mostrecent"
        )

    def champion(self, project: str, version: int, *, trouble: bool) -> None:
        """Set who is champion, and whether that may be out of date."""
        self._champion.labels(project).set(version)
        self._trouble.labels(project).set(trouble)

    def writer(self, waiting: int, *, failing: bool) -> None:
        """Set what waits for the log."""
        self._waiting.set(waiting)
        self._failing.set(failing)

    def alerts(self, project: str, rules: Mapping[str, int]) -> None:
        """Set how many alerts are open, by rule."""
        for rule, count in rules.items():
            self._alerts.labels(project, rule).set(count)

    def drift(
        self, project: str, effects: Mapping[str, float], drifted: Collection[str], rows: int, gone: Collection[str]
    ) -> None:
        """Set what was found in the last window; columns that are `gone` have no value any more."""
        for column, effect in effects.items():
            self._effects.labels(project, column).set(effect)
            self._drifted.labels(project, column).set(column in drifted)
        self.unknown(project, gone, rows)
        self._looked.labels(project).set_to_current_time()

    def unknown(self, project: str, columns: Collection[str], rows: int = 0) -> None:
        """Set what was looked for in so many rows, and that nothing is known of columns."""
        for column in columns:
            self._effects.labels(project, column).set(math.nan)
            self._drifted.labels(project, column).set(math.nan)
        self._rows.labels(project).set(rows)

    def watchdog(self, project: str, passed: float) -> None:
        """Set when the watchdog last made a pass, in seconds since 1970."""
        self._passed.labels(project).set(passed)
