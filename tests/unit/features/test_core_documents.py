"""YAML that people write: what they meant, and nothing lost without a word."""

import pytest

from features.core.documents import DocumentError, read_document, write_document


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("NO", "NO"),
        ("on", "on"),
        ("10:00", "10:00"),
        ("2026-01-31", "2026-01-31"),
        ("0010", "0010"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("'12'", "12"),
        ("12", 12),
        ("-7", -7),
        ("0", 0),
        ("1e3", 1000.0),
        ("2.50", 2.5),
        (".5", 0.5),
        ("true", True),
        ("False", False),
        ("~", None),
    ],
)
def test_read_document_takes_a_value_for_what_it_is(written: str, meant: object) -> None:
    assert read_document(f"value: {written}")["value"] == meant
    assert type(read_document(f"value: {written}")["value"]) is type(meant)


def test_read_document_keeps_a_code_as_a_key() -> None:
    assert read_document("codes:\n  NO: no_fault_found\n  0010: confirmed_failure\n") == {
        "codes": {"NO": "no_fault_found", "0010": "confirmed_failure"}
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("machines:\n  P101: a\n  P102: b\n  P101: c\n", "key 'P101' is used twice"),
        ("{a: 1, 'a': 2}", "key 'a' is used twice"),
        ("sites: [1", "line 1"),
        ("? [a, b]\n: 1\n", "unhashable"),
        ("a: !!python/object/apply:os.getcwd []\n", "python/object"),
    ],
)
def test_read_document_refuses_and_names_the_place(text: str, says: str) -> None:
    with pytest.raises(DocumentError, match=says) as caught:
        read_document(text)
    assert "line" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "NO",
        "10:00",
        "2026-01-31",
        "0010",
        "1e3",
        "true",
        "~",
        "=",
        "<<",
        ".inf",
        "é\u2028x",
        "x" * 300,
        "\t",
        "a: b",
    ],
)
def test_write_document_is_read_back_as_it_was(text: str) -> None:
    document = {"value": text, text: [text, 1, 2.5, None, True]}

    assert read_document(write_document(document)) == document


def test_write_document_keeps_the_order_of_keys() -> None:
    assert write_document({"z": 1, "a": 2}) == "z: 1\na: 2\n"


def test_an_empty_document_holds_nothing() -> None:
    assert read_document("# only a remark\n") is None
