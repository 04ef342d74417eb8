"""One check, one function, one named narwhals expression.

What a check means is decided here, once, for every engine:

- **Parsing comes first** and is the engine's affair. It leaves a column of the declared type, null where there is no
  value or none that can be read, and a flag that says whether a value is *present* in the source.
- **A check is true, false or null.** True: the row passes. False: the check's name becomes a reason to refuse the row.
  Null: unknown, which refuses nothing: an empty cell is refused by `missing` alone (unless the column is nullable),
  and a value that cannot be read by `type` alone.
- **Reasons have an order:** columns as the contract lists them, and for each column `type`, `missing`, `min`, `max`,
  `above`, `below`, `values`, `pattern`, `compute`, then its further `rules`; then `contract.checks`; then the project's
  own functions in checks.py; the key last. A row carries every reason that applies, each once.
- **`where` comes before all checks.** A row for which it is not true is left out and counted, with one exception:
  where it is unknown because a column it names cannot be read, the row stays in, and is refused for that column.
- **The key is judged last, among rows with no other reason**, so that a bad row never throws out a good one. Rows that
  agree in the key and in every other column of the contract are copies: the first is accepted, the others are refused
  as `repeated_row`. Rows that agree in the key and differ elsewhere contradict each other: all are refused as
  `duplicate_key`. A key with an empty part equals no other.
- **A load's window has a say where the key does not tell the day.** Rows of other days take part in the key's check, so
  that all windows of one source agree; and a row whose key the table has on a day outside the window is refused as
  `key_outside_window`, because to change it there would be to touch what is outside.
- **A check looks at one row at a time**, so it gives the same answer whatever the size of the batches. Aggregates
  (`mean`, `over`) have no place in one.

A rule for single values is one file of this folder: `torneo/checks/NAME.py` with a function
`rule(value, argument, column)`; an installed package adds one with an entry point in the group `torneo.checks` that
names such a module. A contract asks for it as `rules: {NAME: argument}`.
"""

from torneo.checks._expressions import Value, compile_expression, compile_value
from torneo.checks._flags import computed, present
from torneo.checks._headers import check_headers
from torneo.checks._plan import (
    DUPLICATE_KEY,
    KEY_OUTSIDE_WINDOW,
    REPEATED_ROW,
    Check,
    function_checks,
    plan,
    rule_checks,
    where_keeps,
)

__all__ = [
    "DUPLICATE_KEY",
    "KEY_OUTSIDE_WINDOW",
    "REPEATED_ROW",
    "Check",
    "Value",
    "check_headers",
    "compile_expression",
    "compile_value",
    "computed",
    "function_checks",
    "plan",
    "present",
    "rule_checks",
    "where_keeps",
]
