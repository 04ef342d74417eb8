"""What the log keeps of personal data: a keyed hash, or nothing."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from json.encoder import encode_basestring_ascii
from typing import Any, Literal

from torneo.serving.values import canonical
from torneo.spec.columns import Column, Contract

DIGITS = 32
_HASH = re.compile(f"[0-9a-f]{{{DIGITS}}}")


@dataclass(frozen=True)
class Privacy:
    """How the rows of one project are written into the log.

    Args:
        secret: the key of the hashes. Who does not have it cannot try out values, and who has lost it cannot erase.
    """

    project: str
    key: Sequence[str]
    """The columns that identify a row's subject."""
    marked: Mapping[str, Literal["hash", "drop"]]
    """Columns of personal data."""
    secret: bytes
    columns: Mapping[str, Column]
    """The contract's, by name: equal values of them have equal hashes, however they are written."""

    @classmethod
    def of(cls, project: str, contract: Contract, secret: bytes) -> Privacy:
        """The rules that a contract makes."""
        return cls(project, contract.key, contract.personal, secret, contract.columns)

    @cached_property
    def _texts(self) -> Mapping[str, Callable[[Any], str]]:
        names = {*self.key, *self.marked}
        return {name: canonical(self.columns[name]) for name in names}

    def entity(self, row: Mapping[str, Any]) -> str:
        """The digest of the row's key, the same whenever the key is; empty if the row does not say its key.

        >>> contract = Contract(key=("customer",), columns={"customer": Column(type="int")})
        >>> privacy = Privacy.of("churn", contract, b"secret")
        >>> privacy.entity({"customer": 7.0}) == privacy.entity({"customer": " 7", "age": 30}) != ""
        True
        """
        parts = [self._texts[name](row.get(name)) for name in self.key]
        return self._hash(self.project, *parts) if parts and all(parts) else ""

    def kept(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """The row as the log has it."""
        if not self.marked:
            return row
        kept = {name: value for name, value in row.items() if self.marked.get(name) != "drop"}
        for name, how in self.marked.items():
            if how == "hash" and (text := self._texts[name](kept.get(name))):
                kept[name] = self._hash(self.project, name, text)
        return kept

    def _hash(self, *texts: str) -> str:
        listed = f"[{', '.join(map(encode_basestring_ascii, texts))}]"  # JSON, in a third of json.dumps' time
        return hmac.digest(self.secret, listed.encode(), "sha256").hex()[:DIGITS]


def is_hidden(row: Mapping[str, Any], marked: Mapping[str, Literal["hash", "drop"]]) -> bool:
    """Whether the log has a hash, or nothing, where a row had one of the values that are marked.

    >>> is_hidden({"age": 30, "email": "0123456789abcdef0123456789abcdef"}, {"email": "hash"})
    True
    """
    for name, how in marked.items():
        value = row.get(name)
        if (value is None and how == "drop") or (isinstance(value, str) and _HASH.fullmatch(value)):
            return True
    return False
