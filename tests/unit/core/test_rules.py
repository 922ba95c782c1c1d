"""The rules of fields: nothing crashes them, and what they gave they take again."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from profilecore import rules
from profilecore.errors import Invalid

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
any_text = st.text(st.characters(exclude_categories=()))  # lone surrogates too
fields = st.sampled_from(rules.WRITABLE) | st.text()


def faults(values: dict[str, object], **options: Any) -> dict[str, str]:
    """The message for each field that is refused."""
    with pytest.raises(Invalid) as refused:
        rules.checked(values, **options)
    return {error.field: error.message for error in refused.value.errors}


@given(st.dictionaries(fields, json_values | any_text))
def test_no_value_does_anything_but_pass_or_be_invalid(values: dict[str, object]) -> None:
    try:
        kept = rules.checked(values)
    except Invalid as invalid:
        assert invalid.errors  # noqa: PT017 - either end will do
        assert all(error.message for error in invalid.errors)  # noqa: PT017 - either end will do
    else:
        assert kept.keys() == values.keys()


@given(st.sampled_from(rules.WRITABLE), any_text | st.lists(any_text, max_size=3))
@example("name", " \x85a\u3000")
@example("email", "\u2003Ada@BÜCHER.example\n")
@example("image_urls", ["http://a", "https://x.y/z"])
def test_what_was_checked_is_checked_again_without_change(field: str, value: object) -> None:
    try:
        kept = rules.checked({field: value})
    except Invalid:
        return
    assert rules.checked(kept) == kept
    for text in kept.values():
        for part in (text,) if isinstance(text, str) else text:
            part.encode()  # it can be stored


local = st.text("abcXYZ019!#$%&'*+/=?^_`{|}~-éßÉ李", min_size=1, max_size=20)
label = st.text("abcXYZ019éßÜ李", min_size=1, max_size=20)


@given(st.lists(local, min_size=1, max_size=3), st.lists(label, min_size=1, max_size=3))
def test_an_email_that_passes_has_one_key_in_any_case(
    locals_: list[str], labels: list[str]
) -> None:
    email = f"{'.'.join(locals_)}@{'.'.join(labels)}.example"
    try:
        rules.checked({"email": email})
    except Invalid:
        return
    key = rules.email_key(email)
    assert rules.email_key(key) == key
    assert key.rpartition("@")[2].isascii()
    assert rules.email_key(email.swapcase()) == rules.email_key(email.swapcase().lower())
    assert rules.email_key(email.lower()) == key


@pytest.mark.parametrize(
    "email",
    [
        "ada@example.com",
        "a.b+c@example.co.uk",
        "x@a.museum",
        "o'neil@example.com",
        "É@bücher.example",
        "李@例え.テスト",
        f"{'a' * 64}@example.com",
        "a@1.example",
        "a@x-y.example",
    ],
)
def test_addresses_that_people_have(email: str) -> None:
    assert rules.checked({"email": f" {email}\n"}) == {"email": email}


@pytest.mark.parametrize(
    "email",
    [
        "",
        " ",
        "ada",
        "@example.com",
        "ada@",
        "ada@example",
        "a@b@example.com",
        "a b@example.com",
        ".a@example.com",
        "a.@example.com",
        "a..b@example.com",
        "a@-x.example",
        "a@x-.example",
        "a@x..example",
        "a@example.com.",
        "a@127.0.0.1",
        "a@[127.0.0.1]",
        '"a"@example.com',
        "a\x00@example.com",
        "a\ud800@example.com",
        "a@ex\u2028ample.com",
        f"{'a' * 65}@example.com",
        f"a@{'x' * 64}.example",
        f"a@{'ü' * 60}.example",
        f"a@{'x' * 60}.{'x' * 60}.{'x' * 60}.{'x' * 60}.{'x' * 60}.example",
    ],
)
def test_what_is_no_address(email: str) -> None:
    assert "email" in faults({"email": email})


def test_names() -> None:
    assert rules.checked({"name": f" {'x' * 255}\t"}) == {"name": "x" * 255}
    assert rules.checked({"name": "李 \U0001f600 O'Neil"}) == {"name": "李 \U0001f600 O'Neil"}
    for name in ("", " \u2003", "x" * 256, "a\x00b", "a\nb", "a\u2028b", "a\x85b", "\ud800"):
        assert list(faults({"name": name})) == ["name"]


def test_bios() -> None:
    for bio in ("", "two\nlines\r\n\ttab ", "x" * 10_000):
        assert rules.checked({"bio": bio}) == {"bio": bio}
    for bio in ("x" * 10_001, "a\x00", "a\x1b", "\udfff"):
        assert list(faults({"bio": bio})) == ["bio"]


def test_image_urls() -> None:
    urls = ["http://a", "https://example.com:8080/p?q=1#f", "HTTPS://bücher.example/ü"]
    assert rules.checked({"image_urls": urls}) == {"image_urls": tuple(urls)}
    assert rules.checked({"image_urls": ["http://a"] * 32}) == {"image_urls": ("http://a",) * 32}
    assert list(faults({"image_urls": ["http://a"] * 33})) == ["image_urls"]
    assert list(faults({"image_urls": "http://a"})) == ["image_urls"]
    bad: list[object] = [
        "",
        "a",
        "/a",
        "//a",
        "ftp://a",
        "javascript:alert(1)",
        "http://",
        "http://a b",
    ]
    bad += [
        "http://a:b",
        "http://a:99999",
        "http://[",
        f"http://{'a' * 2048}",
        7,
        None,
        "http://\x00",
    ]
    for url in bad:
        assert list(faults({"image_urls": ["http://a", url]})) == ["image_urls[1]"]


def test_every_fault_is_named_at_once() -> None:
    found = faults({"bio": 1, "id": "x", "image_urls": [1, 2]}, required=("name", "email"))
    assert set(found) == {"name", "email", "bio", "id", "image_urls[0]", "image_urls[1]"}
    assert found["name"] == "is required"
    assert "name, email, bio, image_urls" in found["id"]


@pytest.mark.parametrize("value", [None, 1, True, 1.5, [], {}])
def test_text_fields_take_text_only(value: object) -> None:
    assert faults({"name": value, "email": value, "bio": value}) == dict.fromkeys(
        ("name", "email", "bio"), "must be text"
    )


def test_one_line_that_every_store_keeps() -> None:
    assert rules.is_line("subject|1 ü \U0001f600")
    for text in ("a\x00", "a\nb", "\x7f", "\u2028", "\ud800"):
        assert not rules.is_line(text)
