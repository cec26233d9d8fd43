"""Log entries: canonical, small, of a known type, with exactly the members of that type."""

import base64
import dataclasses
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.encoding import Digest, canonical_json
from exchange.errors import ExchangeError
from exchange.errors.encoding import Base64Error, DigestError, FieldError, InstantError
from exchange.errors.log import (
    EntryBytesError,
    EntryJsonError,
    EntryMemberError,
    EntryTypeError,
    EntryVersionError,
)
from exchange.log.entry import SHAPES, EntryType, LogEntry, format_entry, parse_entry, scan_entry
from exchange.log.entry_form import match_entry
from exchange.signing.trust import RegistryRef

AT = datetime(2026, 10, 1, 12, 0, 0, tzinfo=UTC)
REGISTRY = RegistryRef(version=3, sha256=Digest("ab" * 32))
MEMBERS: dict[str, object] = {
    "counterpart": "KG",
    "contract": "sha256:" + "c0" * 32,
    "bundle": "sha256:" + "b0" * 32,
    "evidence": "sha256:" + "e0" * 32,
    "pull": "sha256:" + "e0" * 32,
    "code": "rejected:proof-missing",
    "count": 3,
}
COMMON: dict[str, object] = {
    "v": 1,
    "type": "heartbeat",
    "at": "2026-10-01T12:00:00Z",
    "node": "KZ",
    "registry": {"version": 3, "sha256": "sha256:" + "ab" * 32},
    "salt": "AAECAwQFBgcICQoLDA0ODw",
}


def members_of(entry_type: EntryType, *, all_permitted: bool = False) -> dict[str, object]:
    shape = SHAPES[entry_type]
    names = shape.required | shape.permitted if all_permitted else shape.required
    return {**COMMON, "type": entry_type.value, **{name: MEMBERS[name] for name in names}}


SERVED = members_of(EntryType.PULL_SERVED)


def test_an_entry_is_the_bytes_that_the_protocol_shows() -> None:
    entry = LogEntry(
        type=EntryType.BUNDLE_PUBLISHED,
        at=AT,
        node="KZ",
        registry=REGISTRY,
        salt=bytes(range(16)),
        contract=Digest("c0" * 32),
        bundle=Digest("b0" * 32),
        evidence=Digest("e0" * 32),
    )
    expected = (
        '{"at":"2026-10-01T12:00:00Z","bundle":"sha256:' + "b0" * 32 + '","contract":"sha256:' + "c0" * 32 + '",'
        '"evidence":"sha256:' + "e0" * 32 + '","node":"KZ","registry":{"sha256":"sha256:' + "ab" * 32 + '",'
        '"version":3},"salt":"AAECAwQFBgcICQoLDA0ODw","type":"bundle.published","v":1}'
    )
    assert format_entry(entry) == expected.encode()
    assert parse_entry(expected.encode()) == entry


@pytest.mark.parametrize("entry_type", EntryType)
def test_every_type_is_read_with_its_least_and_its_most_and_is_rfc_8785(entry_type: EntryType) -> None:
    for all_permitted in (False, True):
        raw = canonical_json(members_of(entry_type, all_permitted=all_permitted))
        assert format_entry(parse_entry(raw)) == raw


@pytest.mark.parametrize("entry_type", EntryType)
def test_every_entry_is_read_by_the_one_expression_of_its_type(entry_type: EntryType) -> None:
    for all_permitted in (False, True):
        members = members_of(entry_type, all_permitted=all_permitted)
        found = match_entry(canonical_json(members))
        assert found is not None
        kind, matched = found
        assert kind is entry_type
        for name, shown in MEMBERS.items():
            expected = str(shown).removeprefix("sha256:") if name in members else None
            assert matched[name] == expected
        assert (matched["at"], matched["node"], matched["salt"]) == (COMMON["at"], "KZ", COMMON["salt"])
        assert (matched["registry"], matched["version"]) == ("ab" * 32, "3")


def test_the_expression_of_a_request_wants_its_evidence_to_be_its_pull() -> None:
    other = {**members_of(EntryType.PULL_SERVED), "pull": "sha256:" + "00" * 32}
    assert match_entry(canonical_json(other)) is None
    received = {**members_of(EntryType.BUNDLE_RECEIVED), "pull": "sha256:" + "00" * 32}
    assert match_entry(canonical_json(received)) is not None


def test_a_refusal_may_have_happened_once() -> None:
    once = {**members_of(EntryType.PULL_REFUSED), "count": 1}
    assert parse_entry(canonical_json(once)).count == 1


def test_a_number_that_is_refused_is_shown_by_its_first_twenty_digits() -> None:
    entry = parse_entry(canonical_json(members_of(EntryType.PULL_REFUSED)))
    for change in ({"count": 10**30}, {"registry": RegistryRef(version=10**30, sha256=REGISTRY.sha256)}):
        with pytest.raises(EntryMemberError) as refused:
            dataclasses.replace(entry, **change)
        assert refused.value.facts["found"] == "1" + "0" * 19


@pytest.mark.parametrize("entry_type", EntryType)
@pytest.mark.asvs("V16.2.1")
def test_a_type_lacks_no_member_that_it_requires_and_has_none_that_it_does_not_permit(entry_type: EntryType) -> None:
    least = members_of(entry_type)
    for name in SHAPES[entry_type].required:
        with pytest.raises(FieldError):
            parse_entry(canonical_json({key: value for key, value in least.items() if key != name}))
    for name in MEMBERS.keys() - SHAPES[entry_type].required - SHAPES[entry_type].permitted:
        with pytest.raises(FieldError):
            parse_entry(canonical_json({**least, name: MEMBERS[name]}))


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        pytest.param({"v": 2}, EntryVersionError, id="a newer version"),
        pytest.param({"v": 0}, EntryVersionError, id="version 0"),
        pytest.param({"v": "1"}, EntryVersionError, id="a version in quotes"),
        pytest.param({"v": True}, EntryVersionError, id="a version that is true"),
        pytest.param({"type": "pull.invented"}, EntryTypeError, id="an unknown type"),
        pytest.param({"type": None}, EntryTypeError, id="no type"),
        pytest.param({"type": ["heartbeat"]}, EntryTypeError, id="a list of types"),
        pytest.param({"value": 17}, FieldError, id="a value"),
        pytest.param({"counterpart": None}, FieldError, id="null for absent"),
        pytest.param({"node": "kz"}, EntryMemberError, id="a member in lower case"),
        pytest.param({"node": "Ministry of Somebody"}, EntryMemberError, id="a name"),
        pytest.param({"counterpart": "kg"}, EntryMemberError, id="a counterpart in lower case"),
        pytest.param({"counterpart": "KG\n"}, EntryJsonError, id="a newline after the member"),
        pytest.param({"contract": "c0" * 32}, DigestError, id="a digest without its algorithm"),
        pytest.param({"bundle": "sha256:" + "B0" * 32}, DigestError, id="a digest in capitals"),
        pytest.param({"at": "2026-10-01T12:00:00.5Z"}, InstantError, id="half a second"),
        pytest.param({"at": "2026-10-01T12:00:00+00:00"}, InstantError, id="an offset"),
        pytest.param({"at": "2026-02-29T12:00:00Z"}, InstantError, id="a day that is not"),
        pytest.param({"salt": "AAECAwQFBgcICQoLDA0OD"}, Base64Error, id="a salt with a broken length"),
        pytest.param({"salt": "AAECAwQFBgcICQoLDA0O"}, EntryMemberError, id="a salt of 15 bytes"),
        pytest.param({"registry": {"version": 3}}, FieldError, id="a registry without its digest"),
        pytest.param({"registry": 3}, EntryJsonError, id="a registry that is a number"),
        pytest.param(
            {"registry": {"version": 0, "sha256": "sha256:" + "ab" * 32}}, EntryMemberError, id="registry version 0"
        ),
        pytest.param({"pull": "sha256:" + "01" * 32}, EntryMemberError, id="evidence other than the pull"),
    ],
)
def test_an_entry_is_refused_with_its_reason(change: dict[str, object], refusal: type[ExchangeError]) -> None:
    for read in (parse_entry, scan_entry):
        with pytest.raises(refusal):
            read(canonical_json({**SERVED, **change}))


@pytest.mark.parametrize("code", ["", "Token", "eyJhbGciOiJFZERTQSJ9.e30.c2ln", "a b", "имя", "a--b", "-a", "x" * 65])
@pytest.mark.asvs("V16.2.5", "V16.4.1")
def test_a_code_is_kebab_case_and_short_so_that_no_token_or_name_fits_in(code: str) -> None:
    with pytest.raises(EntryMemberError):
        parse_entry(canonical_json({**members_of(EntryType.PULL_REFUSED), "code": code}))


def test_a_code_may_have_64_characters() -> None:
    raw = canonical_json({**members_of(EntryType.PULL_REFUSED), "code": "x" * 64})
    assert parse_entry(raw).code == "x" * 64


@pytest.mark.parametrize("count", [0, -1, 1.5, "3", True, 2**53])
def test_a_count_is_a_whole_number_from_one(count: object) -> None:
    with pytest.raises((EntryMemberError, FieldError)):
        parse_entry(json.dumps({**members_of(EntryType.PULL_REFUSED), "count": count}, sort_keys=True).encode())


RAW = canonical_json(SERVED)


@pytest.mark.parametrize(
    ("raw", "refusal"),
    [
        pytest.param(b"", EntryJsonError, id="nothing"),
        pytest.param(b"[]", EntryJsonError, id="a list"),
        pytest.param(b"[" * 1000, EntryJsonError, id="deep nesting"),
        pytest.param(b"\xff", EntryJsonError, id="not UTF-8"),
        pytest.param(b"\xef\xbb\xbf" + RAW, EntryJsonError, id="a byte order mark"),
        pytest.param(RAW + b"\n", EntryJsonError, id="a newline at the end"),
        pytest.param(RAW.replace(b'"v":1', b'"v": 1'), EntryJsonError, id="a space"),
        pytest.param(RAW.replace(b'"v":1', b'"v":1.0'), EntryJsonError, id="a decimal point"),
        pytest.param(RAW.replace(b'"v":1', b'"v":1,"v":1'), EntryJsonError, id="a member twice"),
        pytest.param(RAW.replace(b"KZ", b"K\\u005a"), EntryJsonError, id="an escape"),
        pytest.param(json.dumps(SERVED, separators=(",", ":")).encode(), EntryJsonError, id="another order"),
        pytest.param(b" " * 1025, EntryBytesError, id="more than 1 KiB"),
    ],
)
@pytest.mark.asvs("V16.4.1")
def test_bytes_that_are_no_canonical_entry_are_refused(raw: bytes, refusal: type[ExchangeError]) -> None:
    for read in (parse_entry, scan_entry):
        with pytest.raises(refusal):
            read(raw)


HEXES = st.binary(min_size=32, max_size=32).map(lambda raw: "sha256:" + raw.hex())
NUMBERS = st.integers(1, 2**53 - 1)
ANY_MEMBERS = {
    "counterpart": st.from_regex(r"[A-Z][A-Z0-9]{1,15}", fullmatch=True),
    "contract": HEXES,
    "bundle": HEXES,
    "evidence": HEXES,
    "pull": HEXES,
    "code": st.from_regex(r"[a-z][a-z0-9]{0,9}([-.:][a-z0-9]{1,9}){0,4}", fullmatch=True),
    "count": NUMBERS,
}


@st.composite
def any_members(draw: st.DrawFn) -> dict[str, object]:
    """Any entry there can be, as its JSON members."""
    entry_type = draw(st.sampled_from(EntryType))
    shape = SHAPES[entry_type]
    names = shape.required | draw(
        st.sets(st.sampled_from(sorted(shape.permitted)) if shape.permitted else st.nothing())
    )
    members = {name: draw(ANY_MEMBERS[name]) for name in sorted(names)}
    if entry_type in {EntryType.PULL_SERVED, EntryType.PULL_REFUSED}:
        members["evidence"] = members["pull"]
    return {
        "v": 1,
        "type": entry_type.value,
        "at": draw(st.datetimes(timezones=st.just(UTC))).strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20),
        "node": draw(ANY_MEMBERS["counterpart"]),
        "registry": {"version": draw(NUMBERS), "sha256": draw(HEXES)},
        "salt": base64.urlsafe_b64encode(draw(st.binary(min_size=16, max_size=16))).rstrip(b"=").decode(),
        **members,
    }


@given(any_members())
@settings(max_examples=200)
def test_any_entry_is_read_as_it_is_and_written_as_a_library_for_rfc_8785_writes_it(members: dict[str, object]) -> None:
    raw = canonical_json(members)
    entry = parse_entry(raw)
    assert format_entry(entry) == raw
    for name in ("counterpart", "contract", "bundle", "evidence", "pull", "code", "count"):
        value = getattr(entry, name)
        assert (value if isinstance(value, int) or value is None else str(value)) == members.get(name)
    assert (entry.type.value, entry.node) == (members["type"], members["node"])
    assert entry.at.strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20) == members["at"]
    assert base64.urlsafe_b64encode(entry.salt).rstrip(b"=").decode() == members["salt"]
    assert {"version": entry.registry.version, "sha256": str(entry.registry.sha256)} == members["registry"]
    assert scan_entry(raw) == (
        entry.type,
        members["node"],
        (entry.at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds(),
        entry.registry,
    )


@given(any_members(), st.data())
@settings(max_examples=200)
def test_any_entry_with_a_byte_changed_is_refused_or_written_back_alike(
    members: dict[str, object], data: st.DataObject
) -> None:
    raw = canonical_json(members)
    position, byte = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(0, 255))
    changed = raw[:position] + bytes([byte]) + raw[position + 1 :]
    try:
        entry = parse_entry(changed)
    except ExchangeError as refused:
        with pytest.raises(type(refused)):
            scan_entry(changed)
        return
    assert scan_entry(changed).type is entry.type
    assert format_entry(entry) == changed
    assert canonical_json(json.loads(changed)) == changed


@given(st.integers(0, len(RAW) - 1), st.integers(0, 255))
@settings(max_examples=150)
def test_an_entry_that_parses_is_written_back_alike(position: int, byte: int) -> None:
    raw = RAW[:position] + bytes([byte]) + RAW[position + 1 :]
    try:
        entry = parse_entry(raw)
    except ExchangeError:
        return
    assert format_entry(entry) == raw
    assert canonical_json(json.loads(raw)) == raw


def test_an_entry_that_could_not_be_written_cannot_be_made() -> None:
    entry = parse_entry(canonical_json(members_of(EntryType.HEARTBEAT)))
    with pytest.raises(EntryMemberError):
        dataclasses.replace(entry, bundle=Digest("b0" * 32))
    with pytest.raises(EntryMemberError):
        dataclasses.replace(entry, type=EntryType.TRUST_UPDATED)
    with pytest.raises(EntryMemberError):
        dataclasses.replace(entry, at=AT.replace(microsecond=1))
    for other in (None, timezone(timedelta(hours=5))):
        with pytest.raises(EntryMemberError):
            dataclasses.replace(entry, at=AT.replace(tzinfo=other))


def test_the_largest_entry_fits_the_limit_with_room() -> None:
    for entry_type in EntryType:
        assert len(canonical_json(members_of(entry_type, all_permitted=True))) < 700
