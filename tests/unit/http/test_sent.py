"""What a body's JSON stands for, and that no name in a row is there twice."""

from __future__ import annotations

import pytest

from torneo.http.problems import Problem
from torneo.http.sent import parsed


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (b'{"age":59,"age":5}', ["/age"]),
        (b'{"age" :59,"age"\t:5,"b":1,"b":2,"b":3}', ["/age", "/b"]),
        (b'{"at":"10:30","age" :59,"age":5}', ["/age"]),
        (b'[{"a/b":1},{"a/b":1,"a/b":null}]', ["/1/a~1b"]),
        ('{"é":1,"\\u00e9":1}'.encode(), ["/é"]),
        (b'\n [ {"x" : 1, "x" : 1} ]', ["/0/x"]),
        (b'{"inputs":[{"name":"a","name":"b","data":[1]}]}', ["/inputs/0/name"]),
        (b'{"dataframe_split":{"columns":["a"],"data":[[1]],"data":[[2]]}}', ["/dataframe_split/data"]),
        (b'{"dataframe_records":[{"a":1},{"a":1,"a":2}]}', ["/dataframe_records/1/a"]),
        (b'{"inputs":{"a":[1],"a":[2]},"inputs":7}', ["/inputs", "/inputs/a"]),
        (b'[{"a":{"x":1,"x":2}}]', ["/0/a/x"]),
    ],
)
def test_a_name_that_is_there_twice_is_pointed_at(body: bytes, pointers: list[str]) -> None:
    with pytest.raises(Problem, match="repeated in one object") as caught:
        parsed(body)
    assert caught.value.status == 422
    assert [error["pointer"] for error in caught.value.errors] == pointers


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"at":"10:30:00","b":"\\":\\":"}', {"at": "10:30:00", "b": '":":'}),
        (b'[{"a" : 1}, {"a" : "x :"}]', [{"a": 1}, {"a": "x :"}]),
        (b'{"inputs":[{"name":"a","data":["x:y"]}]}', {"inputs": [{"name": "a", "data": ["x:y"]}]}),
        (b'{"a" :[[{"b" :1}],[],{}],"c":' + b"9" * 4300 + b"}", {"a": [[{"b": 1}], [], {}], "c": 10**4300 - 1}),
        (b"7", 7),
        (b"[1, 2]", [1, 2]),
        (b'[{"a": ":"}, 7]', [{"a": ":"}, 7]),
    ],
)
def test_other_bodies_are_read_as_they_are(body: bytes, value: object) -> None:
    assert parsed(body) == value


def test_what_is_no_json_is_told() -> None:
    with pytest.raises(Problem, match="the body is not JSON"):
        parsed(b'{"a":')
