"""The rules `json_schema` and `json_fields`."""

import json
import sys
from typing import Any

import pytest
from asked import answered, asking, rollout, value

from rewards import Problem, Verdict
from rewards._options import OptionError
from rewards.json_fields import json_fields
from rewards.json_schema import json_schema

SCHEMA = {
    "type": "object",
    "required": ["name", "items"],
    "additionalProperties": False,
    "properties": {"name": {"type": "string", "minLength": 1}, "items": {"type": "array", "items": {"type": "integer"}}},
}
GOOD = '{"name": "Ann", "items": [1, 2]}'


@pytest.mark.parametrize(
    ("given", "right", "why"),
    [
        (GOOD, 1.0, "valid under the schema"),
        (f"```json\n{GOOD}\n```", 1.0, "valid under the schema"),
        (f"```\n{GOOD}\n```", 1.0, "valid under the schema"),
        ('{"name": "Ann", "items": [1, "2"]}', 0.0, 'items[1]: "2" is not of type "integer"'),
        ('{"name": "Ann"}', 0.0, 'the whole value: "items" is a required property'),
        (f"{GOOD} {GOOD}", 0.0, "not JSON: Extra data: line 1 column 34 (char 33)"),
        (f"{GOOD} or so", 0.0, "not JSON: Extra data: line 1 column 34 (char 33)"),
        (f"Here it is: {GOOD}", 0.0, "not JSON: Expecting value: line 1 column 1 (char 0)"),
        ('{"name": "Ann", "name": "Bob", "items": []}', 0.0, "duplicate name 'name' in one object"),
        ('{"name": "Ann", "items": [NaN]}', 0.0, "NaN is not JSON"),
        ("", 0.0, "not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("[" * 99_999, 0.0, "not JSON: maximum recursion depth exceeded while decoding a JSON array from a unicode string"),
        ("[" * 102 + "]" * 102, 0.0, "nested deeper than 100 levels"),
        ("9" * 5000, 0.0, "not JSON: Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits; "
         "use sys.set_int_max_str_digits() to increase the limit"),
        (" " * 100_001 + "1", 1.0, ""),
        ("1" + "." + "1" * 100_000, 0.0, "longer than 100000 characters"),
    ],
)  # fmt: skip
def test_json_schema(given: str, right: float, why: str) -> None:
    if not why:  # white space around the value costs nothing
        assert json_schema(asking(), answered(given), schema={"type": "integer"}).value == right
    else:
        assert json_schema(asking(), answered(given), schema=SCHEMA) == Verdict(value=right, why=why)


def test_numbers_are_compared_exactly() -> None:
    for given, right in (("42", 1.0), ("42.0", 1.0), ("4.2e1", 1.0), ("42.00000000000000000001", 0.0), ("41.99999999999999999999", 0.0)):
        assert json_schema(asking(), answered(given), schema={"const": 42}).value == right
        assert json_fields(asking({"a": 42}), answered(f'{{"a": {given}}}')).value == right
    assert json_schema(asking(), answered("0.3"), schema={"multipleOf": 0.1}).value == 1.0
    assert json_fields(asking({"a": 0.1}), answered('{"a": 0.1}')).value == 1.0
    assert json_fields(asking('{"a": 0.1}'), answered('{"a": 0.10}')).value == 1.0
    assert json_schema(asking(), answered("1e999"), schema={"type": "number"}).why == "1e999 is too large"


def test_the_schema_may_be_text_or_come_from_a_column() -> None:
    assert json_schema(asking(), answered("7"), schema='{"type": "integer"}').value == 1.0
    assert json_schema(asking(schema={"type": "integer"}), answered("7")).value == 1.0
    assert json_schema(asking(form='{"type": "string"}'), answered("7"), column="form").value == 0.0
    assert json_schema(asking(), rollout("7"), schema="{}") == Verdict(value=0.0, why="no answer")
    with pytest.raises(KeyError, match="no column 'schema'"):
        json_schema(asking(), answered("7"))


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "objekt"}, r'\{"type": "objekt"\} is not a schema: "objekt" is not valid'),
        ("{", r"\{ is not a schema: Expecting property name"),
        ({"$ref": "http://localhost:1/a.json"}, "it refers to http://localhost:1/a.json, and other documents are not fetched"),
        ({"$ref": "file:///etc/hostname"}, "it refers to file:///etc/hostname, and other documents are not fetched"),
    ],
)
def test_json_schema_refuses_a_schema_that_is_none(schema: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        json_schema(Problem(id="", prompt=""), rollout(""), schema=schema)


def test_json_schema_says_which_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    with pytest.raises(OptionError, match=r"needs the extra `schema`: pip install 'r1lite\[schema\]'"):
        json_schema(asking(), answered("7"), schema={"title": "not seen before"})


GOLD = {"name": "Ann", "age": 7, "tags": ["a", "b"], "home": {"city": "Rome"}}


@pytest.mark.parametrize(
    ("given", "right", "why"),
    [
        (GOLD, 1.0, "5 of 5 fields are correct"),
        (GOLD | {"age": 7.0, "name": " Ann "}, 1.0, "5 of 5 fields are correct"),
        (GOLD | {"age": 8}, 0.8, "4 of 5 fields are correct; wrong: age"),
        (GOLD | {"age": "7"}, 0.8, "4 of 5 fields are correct; wrong: age"),
        (GOLD | {"name": "ann"}, 0.8, "4 of 5 fields are correct; wrong: name"),
        (GOLD | {"tags": ["b", "a"]}, 0.6, "3 of 5 fields are correct; wrong: tags[0], tags[1]"),
        (GOLD | {"tags": ["a"]}, 0.8, "4 of 5 fields are correct; wrong: tags[1]"),
        (GOLD | {"home": {"city": "Oslo"}}, 0.8, "4 of 5 fields are correct; wrong: home.city"),
        (GOLD | {"extra": 1}, 5 / 6, "5 of 6 fields are correct; wrong: extra"),
        (GOLD | {f"extra{i}": i for i in range(15)}, 0.25, "5 of 20 fields are correct; wrong: extra0, extra1, extra2, ..."),
        ({"home.city": "Rome"}, 0.0, "0 of 6 fields are correct; wrong: name, age, tags[0], ..."),
        ({}, 0.0, "0 of 6 fields are correct; wrong: name, age, tags[0], ..."),
        (7, 0.0, "0 of 6 fields are correct; wrong: name, age, tags[0], ..."),
    ],
)
def test_json_fields(given: Any, right: float, why: str) -> None:
    assert json_fields(asking(GOLD), answered(json.dumps(given))) == Verdict(value=right, why=why)
    assert json_fields(asking(json.dumps(GOLD)), answered(json.dumps(given)), all_right=True) == Verdict(value=float(right == 1), why=why)


def test_json_fields_tells_kinds_apart() -> None:
    for gold, given, right in (
        (1, True, 0.0),
        (True, 1, 0.0),
        (None, False, 0.0),
        (None, None, 1.0),
        ([], {}, 0.0),
        ([], [], 1.0),
        ({"a": []}, {}, 0.0),
    ):
        assert value(json_fields(asking({"x": gold}), answered(json.dumps({"x": given})))) == right
    assert value(json_fields(asking({"x": "Ann"}), answered('{"x": "ANN"}'), ignore_case=True)) == 1.0
    assert json_fields(asking({"x": 1}), answered("x: 1")) == Verdict(value=0.0, why="not JSON: Expecting value: line 1 column 1 (char 0)")
    assert json_fields(asking({"x": 1}), answered('{"x": 1e999}')) == Verdict(value=0.0, why="1e999 is too large")
    assert json_fields(asking({"x": 1}), rollout("")) == Verdict(value=0.0, why="no answer")
