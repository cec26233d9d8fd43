import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.contract.reference import ContractRef
from exchange.encoding import Digest, canonical_json
from exchange.errors import ExchangeError
from exchange.errors.bundle import ResourceDigestError, ResourceSizeError, SupersedesError
from exchange.errors.encoding import CanonicalJsonError, EncodingError, FieldError
from exchange.labels import Licence, Source
from exchange.manifest import Manifest, Resource, bundle_digest, format_manifest, parse_manifest

MANIFEST = Manifest(
    title="Border crossings by corridor, KZ, 2026-09",
    provider="KZ",
    contract=ContractRef(id="CA-01-BORDER", version="1.0.0", digest=Digest.of(b"contract")),
    period="2026-09",
    revision=0,
    supersedes=None,
    recipients=("KG", "UZ"),
    not_before=datetime(2026, 10, 1, tzinfo=UTC),
    dimensions=("DIRECTION", "SEX"),
    whole=True,
    data=Resource.of("data.csv", b"figures"),
    disclosure=Resource.of("disclosure.json", b"report"),
    clearance=Resource.of("clearance.json", b"clearance"),
)


def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(format_manifest(MANIFEST))
    return document


def _changed(path: str, value: object) -> bytes:
    document: Any = _document()
    *way, last = path.split("/")
    place = document
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if value is ...:
        del place[last]
    elif isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
    return canonical_json(document)


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(MANIFEST, id="a first release"),
        pytest.param(replace(MANIFEST, revision=2, supersedes=Digest.of(b"r1")), id="a revision"),
        pytest.param(replace(MANIFEST, whole=False), id="a measure with decimals"),
        pytest.param(replace(MANIFEST, period="2018-Q4"), id="a quarter"),
        pytest.param(
            replace(
                MANIFEST,
                sources=(Source(title="Register", path="https://example.org/register"), Source(title="Реестр")),
                licences=(Licence(name="OGL-UK-3.0", path="https://example.org/ogl"),),
            ),
            id="with sources and a licence",
        ),
    ],
)
def test_a_manifest_reads_back_as_it_was_written(manifest: Manifest) -> None:
    raw = format_manifest(manifest)
    assert parse_manifest(raw) == manifest
    assert format_manifest(parse_manifest(raw)) == raw


def test_the_name_is_the_identity_in_lower_case() -> None:
    assert _document()["name"] == "kz-ca-01-border-2026-09-r0"
    assert MANIFEST.identity == ("KZ", "CA-01-BORDER", "2026-09", ("KG", "UZ"), 0)


def test_the_manifest_has_exactly_the_members_of_the_format() -> None:
    document = _document()
    assert document.keys() == {"name", "title", "resources", "exchange"}
    assert [resource["path"] for resource in document["resources"]] == ["data.csv", "disclosure.json", "clearance.json"]
    assert document["resources"][0].keys() == {
        "name", "type", "path", "format", "mediatype", "bytes", "hash", "schema",
    }  # fmt: skip
    assert document["exchange"].keys() == {
        "v", "provider", "contract", "period", "revision", "supersedes", "recipients", "not_before",
    }  # fmt: skip


def test_the_schema_declares_every_column_and_codes_are_strings() -> None:
    fields = {field["name"]: field["type"] for field in _document()["resources"][0]["schema"]["fields"]}
    assert list(fields) == [
        "STRUCTURE", "STRUCTURE_ID", "ACTION", "DIRECTION", "SEX", "TIME_PERIOD",
        "OBS_VALUE", "OBS_STATUS", "CONF_STATUS", "RELEASE_SALT",
    ]  # fmt: skip
    assert fields.pop("OBS_VALUE") == "integer"
    assert set(fields.values()) == {"string"}


@pytest.mark.parametrize(
    ("manifest", "labels"),
    [
        pytest.param(
            replace(MANIFEST, title="T", sources=(Source(title="S", path="https://s.example"),), licences=()),
            b'{"licenses":[],"sources":[{"path":"https://s.example","title":"S"}],"title":"T"}',
            id="a source with its address, no licence",
        ),
        pytest.param(
            replace(MANIFEST, title="T", licences=(Licence(name="L"), Licence(name="M"))),
            b'{"licenses":[{"name":"L"},{"name":"M"}],"sources":[],"title":"T"}',
            id="two licences in their order, no source",
        ),
    ],
)
def test_the_labels_are_the_digest_of_title_sources_and_licences(manifest: Manifest, labels: bytes) -> None:
    assert manifest.labels == Digest.of(labels)


def test_the_bundle_digest_is_that_of_the_bytes() -> None:
    # printf abc | sha256sum
    assert str(bundle_digest(b"abc")) == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("path", "value", "refusal"),
    [
        pytest.param("title", "", FieldError, id="an empty title"),
        pytest.param("title", "a\nb", FieldError, id="a line break in the title"),
        pytest.param("title", "x" * 301, FieldError, id="a title beyond the limit"),
        pytest.param("name", "kz-ca-01-border-2026-09-r1", FieldError, id="a name that is not the identity's"),
        pytest.param("comment", "hello", FieldError, id="an unknown member"),
        pytest.param("sources", [], FieldError, id="an empty list of sources"),
        pytest.param("sources", [{"title": "x", "path": "file:///x"}], FieldError, id="a path that is a file"),
        pytest.param("licenses", [{"title": "x"}], FieldError, id="a licence without a name"),
        pytest.param("sources", [{"title": "x"}] * 5, FieldError, id="a fifth source"),
        pytest.param("licenses", [{"name": "x"}] * 5, FieldError, id="a fifth licence"),
        pytest.param("exchange/v", 2, FieldError, id="a newer format"),
        pytest.param("exchange/v", True, FieldError, id="true for 1"),
        pytest.param("exchange/provider", "kz", FieldError, id="a provider in lower case"),
        pytest.param("exchange/recipients", [], FieldError, id="no recipient"),
        pytest.param("exchange/recipients", ["UZ", "KG"], FieldError, id="recipients out of order"),
        pytest.param("exchange/recipients", ["KG", "KG"], FieldError, id="a recipient twice"),
        pytest.param("exchange/recipients", ["KG", "KZ"], FieldError, id="the provider among its recipients"),
        pytest.param("exchange/revision", -1, FieldError, id="a negative revision"),
        pytest.param("exchange/revision", 1, SupersedesError, id="a revision that supersedes nothing"),
        pytest.param("exchange/supersedes", str(Digest.of(b"x")), SupersedesError, id="a first that supersedes"),
        pytest.param("exchange/period", "2026-13", ExchangeError, id="a month that is none"),
        pytest.param("exchange/not_before", "2026-10-01", EncodingError, id="a date for a time"),
        pytest.param("exchange/contract/version", "1.0", FieldError, id="a version in two parts"),
        pytest.param("exchange/contract/id", "../CA-01", FieldError, id="a contract id that climbs"),
        pytest.param("resources/0/path", "../data.csv", FieldError, id="a path that climbs"),
        pytest.param("resources/0/bytes", 7.5, FieldError, id="half a byte"),
        pytest.param("resources/0/hash", "md5:x", EncodingError, id="another hash"),
        pytest.param("resources/0/schema", ..., FieldError, id="data without a schema"),
        pytest.param("resources/0/schema/fields/4/name", "DIRECTION", FieldError, id="a column twice"),
        pytest.param("resources/0/schema/fields/4/type", "integer", FieldError, id="a code that is a number"),
        pytest.param("resources/0/schema/missingValues", ["NA"], FieldError, id="Namibia as missing value"),
        pytest.param("resources/1/schema", {}, FieldError, id="a schema for a report"),
        pytest.param("resources/1", ..., FieldError, id="a resource too few"),
    ],
)  # fmt: skip
def test_a_manifest_that_says_anything_else_is_refused(path: str, value: object, refusal: type[Exception]) -> None:
    if path == "resources/1" and value is ...:
        document = _document()
        del document["resources"][1]
        raw = canonical_json(document)
    else:
        raw = _changed(path, value)
    with pytest.raises(refusal):
        parse_manifest(raw)


def test_other_spellings_of_the_same_manifest_are_refused() -> None:
    with pytest.raises(CanonicalJsonError):
        parse_manifest(json.dumps(_document(), indent=1).encode())
    with pytest.raises(CanonicalJsonError):
        parse_manifest(format_manifest(MANIFEST) + b"\n")


def test_a_resource_takes_its_own_bytes_only() -> None:
    MANIFEST.data.require(b"figures")
    with pytest.raises(ResourceSizeError):
        MANIFEST.data.require(b"figure")
    with pytest.raises(ResourceDigestError):
        MANIFEST.data.require(b"Figures")


@settings(max_examples=200)
@given(st.data())
def test_a_damaged_manifest_is_refused_with_a_sentence(data: st.DataObject) -> None:
    raw = format_manifest(MANIFEST)
    start = data.draw(st.integers(0, len(raw) - 1))
    end = data.draw(st.integers(start, min(start + 20, len(raw))))
    damaged = raw[:start] + data.draw(st.binary(max_size=20)) + raw[end:]
    try:
        accepted = format_manifest(parse_manifest(damaged))
    except ExchangeError as error:
        refusal = error
    else:
        assert accepted == damaged
        return
    assert refusal.sentence("en")
    assert refusal.sentence("ru")
