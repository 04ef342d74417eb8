"""The expression language: a closed set of operations, whatever is written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from torneo.spec.expression import FUNCTIONS, Expression


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("value == round(price * units, 8)", {"value", "price", "units"}),
        ('col["Net price"] > 0 and not is_missing(unit)', {"Net price", "unit"}),
        ("state in ['a', 'b'] or 0 < age <= 120", {"state", "age"}),
        ("-(a + b) % 2 != year(day)", {"a", "b", "day"}),
        ("  a > 1\n", {"a"}),
        ("1 == 1", set()),
    ],
)
def test_the_columns_it_names(text: str, names: set[str]) -> None:
    assert Expression(text).names == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a >", "cannot be read at"),
        ("", "cannot be read at"),
        ("a = 1", "cannot be read at character"),
        ("__import__('os').system('x')", "there is no function None"),
        ("open('x')", "there is no function 'open'"),
        ("a.b > 1", "Attribute is not part"),
        ("lambda: 1", "Lambda is not part"),
        ("[x for x in a]", "ListComp is not part"),
        ("f'{a}' == 'b'", "JoinedStr is not part"),
        ("a ** 9 ** 9", "Pow is not part"),
        ("(a := 1)", "NamedExpr is not part"),
        ("round(a)", r"round takes 2 argument\(s\)"),
        ("round(a, ndigits=2)", r"round takes 2 argument\(s\)"),
        ("abs(*a)", "Starred is not part"),
        ("a is None", "Is is not part"),
        ("a == None", "None is not a number, a text, True or False"),
        ("a == b'x'", "b'x' is not a number"),
        ("a == 1j", "1j is not a number"),
        ("a == ...", "is not a number"),
        ("a['b'] > 1", "only col"),
        ("col[a] > 1", "a column is written"),
        ("col['a':'b'] > 1", "a column is written"),
        ("-" * 100_000 + "1", "nested too deeply"),
        ("a > '\0'", "null bytes"),
    ],
)
def test_what_it_refuses(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Expression(text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab1.,()[]'\"+-*/<>= colinotrabsd_{}:\n", max_size=40))
def test_any_text_is_an_expression_or_a_mistake(text: str) -> None:
    said = ""
    try:
        expression = Expression(text)
    except ValueError as error:
        said = str(error)
    assert said or expression.text == text


def test_it_is_text_in_records() -> None:
    adapter = TypeAdapter(Expression)
    assert adapter.validate_python("a > 1") == Expression("a > 1")
    assert adapter.dump_python(Expression("a > 1"), mode="json") == "a > 1"
    assert adapter.json_schema()["type"] == "string"
    assert len({Expression("a > 1"), Expression("a > 1"), Expression("a > 2")}) == 2
    with pytest.raises(ValidationError, match="expected an expression in quotes, not 5"):
        adapter.validate_python(5)


def test_every_function_can_be_called() -> None:
    for name, arguments in FUNCTIONS.items():
        assert Expression(f"{name}({', '.join('abc'[:arguments])}) == 1").names == set("abc"[:arguments])
