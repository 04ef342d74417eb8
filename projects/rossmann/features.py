"""What a date says about a day of sales. Each row is computed from its own columns only."""

import polars as pl


def features(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the calendar, how long competitor and long promotion have been there, and names for which means are learned.

    The names are texts, so that `encode: target` gives each store, and each store's weekdays with and without a
    promotion, its mean sales on the training days.
    """
    date = pl.col("Date")
    return frame.with_columns(
        month=date.dt.month(),
        day=date.dt.day(),
        week=date.dt.week(),
        year=date.dt.year(),
        day_of_year=date.dt.ordinal_day(),
        competition_years=date.dt.year() - pl.col("CompetitionOpenSinceYear"),
        promo2_years=date.dt.year() - pl.col("Promo2SinceYear"),
        store=pl.col("Store").cast(pl.String),
        store_weekday_promo=pl.format("{}|{}|{}", "Store", "DayOfWeek", "Promo"),
    )
