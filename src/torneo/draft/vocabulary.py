"""Words that data files use: texts for "no value", names of identifiers, of targets and of quantities with a sign."""

from __future__ import annotations

import re
import unicodedata

from torneo.spec.source import NULLS

ODD_NULLS = (
    "?", "-", "--", "---", ".", "..", "*", "n/a", "na", "N.A.", "n.a.", "none", "None", "NONE", "Null", "NaT", "NAN",
    "<NA>", "#N/A", "#N/D", "#NA", "#VALUE!", "#DIV/0!", "#REF!", "N/D", "n/d", "ND", "nd", "s/d", "S/D", "unknown",
    "Unknown", "missing", "(null)", "\\N",
)  # fmt: skip
"""Texts that mean "no value" when they stand among numbers or dates."""
ALL_NULLS = frozenset(NULLS + ODD_NULLS)

CERTAIN_NULLS = frozenset({"?", "#N/A", "#N/D", "#NA", "#VALUE!", "#DIV/0!", "#REF!", "<NA>", "(null)", "\\N"})
"""Those that mean "no value" even among words."""

_ENTITY_WORDS = frozenset({
    "store", "customer", "client", "cliente", "user", "usuario", "product", "producto", "order", "patient", "paciente",
    "account", "employee", "empleado", "player", "passenger", "tienda", "transaction", "invoice", "loan", "policy",
})  # fmt: skip
_ID_WORDS = frozenset({
    "id", "ids", "uuid", "guid", "key", "pk", "code", "codigo", "sku", "serial", "ref", "folio", "dni", "nif", "rut",
    "ssn", "passport", "isbn", "ean", "iban",
})  # fmt: skip
_NUMBER_WORDS = frozenset({"index", "idx", "row", "rownumber", "sno", "rownum", "nr", "line", "unnamed", "rowid"})
_TARGET_WORDS = (
    "target", "label", "class", "y", "outcome", "churn", "churned", "exited", "purchased", "survived", "default",
    "fraud", "converted", "medv", "price", "precio", "sales", "ventas", "close", "revenue", "amount", "quality",
    "species", "diagnosis", "income", "response", "clicked", "attrition", "result", "status", "score",
)  # fmt: skip
_SIGNED_WORDS = frozenset({
    "balance", "saldo", "profit", "loss", "margin", "change", "delta", "diff", "difference", "return", "returns",
    "gain", "net", "temp", "temperature", "temperatura", "lat", "latitude", "lon", "lng", "longitude", "elevation",
    "growth", "z", "log", "pc", "residual", "ganancia", "beneficio", "cash", "flow", "drift", "offset", "angle",
})  # fmt: skip


def plain(text: str) -> str:
    """The text in lower case without accents.

    >>> plain("DíaDeLaSemana")
    'diadelasemana'
    """
    return "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))


def words_of(name: str) -> list[str]:
    """The words of a column's name, split at signs and at capitals.

    >>> words_of("customerID"), words_of("User ID"), words_of("CompetitionOpenSinceMonth")
    (['customer', 'id'], ['user', 'id'], ['competition', 'open', 'since', 'month'])
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [plain(word) for word in re.split(r"[\W_]+", spaced) if word]


def names_an_id(name: str) -> bool:
    """Whether a name says that the column identifies something.

    >>> [name for name in ("CustomerId", "user_id", "Valid", "zip code", "Store") if names_an_id(name)]
    ['CustomerId', 'user_id', 'zip code']
    """
    words = words_of(name)
    return bool(words) and (words[-1] in _ID_WORDS or words[0] in {"id", "uuid", "guid"})


def names_an_entity(name: str) -> bool:
    """Whether a name is that of what a row may be about, such as a store.

    >>> names_an_entity("Store"), names_an_entity("StoreType")
    (True, False)
    """
    return len(words_of(name)) == 1 and words_of(name)[0] in _ENTITY_WORDS


def names_a_row_number(name: str) -> bool:
    """Whether a name says that the column counts rows.

    >>> [name for name in ("RowNumber", "SNo", "index", "rows") if names_a_row_number(name)]
    ['RowNumber', 'SNo', 'index']
    """
    return plain(re.sub(r"[\W_]+", "", name)) in _NUMBER_WORDS or words_of(name)[:1] == ["row"]


def may_be_negative(name: str) -> bool:
    """Whether the name is one of a quantity that has a sign, whatever the values seen so far.

    >>> may_be_negative("Balance"), may_be_negative("Age")
    (True, False)
    """
    return not _SIGNED_WORDS.isdisjoint(words_of(name))


def target_rank(name: str) -> int:
    """How much the name sounds like a target: 0 for the most usual, larger for less, -1 for not at all.

    >>> target_rank("Churn") >= 0, target_rank("Age")
    (True, -1)
    """
    ranks = [_TARGET_WORDS.index(word) for word in (*words_of(name), plain(name)) if word in _TARGET_WORDS]
    return min(ranks, default=-1)
