"""The one legal ZIP of a bundle: fixed order, stored, 1980-01-01, no extra field, comment or descriptor.

Every byte follows from the files, so there is nothing to hide in and one digest per bundle. The reader takes the files
out in the one order and writes the ZIP again: other bytes are refused. The header fields are those that Python's
`zipfile` writes on Unix for `ZipInfo(name)`, so the form is easy to make elsewhere too.

Source: PKWARE APPNOTE.TXT 6.3.10, §4.3.7 (local header), §4.3.12 (central directory), §4.3.16 (end).
"""

import struct
import zlib
from collections.abc import Mapping, Sequence

from exchange.errors.bundle import BundleFilesError, ZipFormError
from exchange.publication import BUNDLE_FILES, HANDOVER_FILES

MEDIA_TYPE = "application/vnd.indicator-exchange.bundle+zip"
ZIP_BYTES_MAX = 40 * 1024 * 1024
"""Room for the largest data.csv and the other files."""

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")

_LOCAL_SIGNATURE, _CENTRAL_SIGNATURE, _END_SIGNATURE = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_VERSION_NEEDED = 20
_MADE_BY = 3 << 8 | 20  # Unix, 2.0
_STORED = 0
_TIME, _DATE = 0, 1 << 5 | 1  # 00:00:00 on 1980-01-01 (§4.4.6)
_PERMISSIONS = 0o600 << 16


def pack_zip(files: Mapping[str, bytes]) -> bytes:
    """The ZIP of a published bundle's six files.

    Raises:
        BundleFilesError: A file is missing or there is another one.
    """
    return _pack(files, BUNDLE_FILES)


def unpack_zip(raw: bytes) -> dict[str, bytes]:
    """The six files of a bundle's ZIP; `pack_zip` of them gives the same bytes.

    Raises:
        ZipFormError: Any other byte string, with the first reason.
    """
    return _unpack(raw, BUNDLE_FILES)


def pack_handover(files: Mapping[str, bytes]) -> bytes:
    """What the desk hands to the gateway: the same form without the proof, which only the log can give."""
    return _pack(files, HANDOVER_FILES)


def unpack_handover(raw: bytes) -> dict[str, bytes]:
    """The five files of a hand-over; refuses as `unpack_zip` does."""
    return _unpack(raw, HANDOVER_FILES)


def require_files(names: Sequence[str], expected: Sequence[str] = BUNDLE_FILES) -> None:
    """Refuse a set of files other than the expected one.

    Raises:
        BundleFilesError: What is missing or too many.
    """
    if sorted(names) != sorted(expected):
        missing = ", ".join(sorted(set(expected) - set(names)))
        extra = ", ".join(name[:80] for name in sorted(set(names) - set(expected)))
        found = "; ".join(part for part in (missing and f"missing {missing}", extra and f"also {extra}") if part)
        raise BundleFilesError(expected=", ".join(expected), found=found or "a file twice")


def _pack(files: Mapping[str, bytes], order: Sequence[str]) -> bytes:
    require_files(list(files), order)
    local, central, offset = [], [], 0
    for name in order:
        content, encoded = files[name], name.encode("ascii")
        sizes = (zlib.crc32(content), len(content), len(content))
        common = (_VERSION_NEEDED, 0, _STORED, _TIME, _DATE, *sizes, len(encoded), 0)
        local += [_LOCAL.pack(_LOCAL_SIGNATURE, *common), encoded, content]
        central += [
            _CENTRAL.pack(_CENTRAL_SIGNATURE, _MADE_BY, *common, 0, 0, 0, _PERMISSIONS, offset),
            encoded,
        ]
        offset += _LOCAL.size + len(encoded) + len(content)
    directory = b"".join(central)
    end = _END.pack(_END_SIGNATURE, 0, 0, len(order), len(order), len(directory), offset, 0)
    return b"".join(local) + directory + end


def _unpack(raw: bytes, order: Sequence[str]) -> dict[str, bytes]:
    if len(raw) > ZIP_BYTES_MAX:
        raise ZipFormError(reason=f"larger than {ZIP_BYTES_MAX} bytes")
    files: dict[str, bytes] = {}
    offset = 0
    for name in order:
        header = raw[offset : offset + _LOCAL.size]
        if len(header) < _LOCAL.size or header[:4] != _LOCAL_SIGNATURE:
            raise ZipFormError(reason=f"no entry where {name} belongs")
        size_bytes, name_bytes = _LOCAL.unpack(header)[8:10]
        start = offset + _LOCAL.size + name_bytes
        if raw[offset + _LOCAL.size : start] != name.encode("ascii"):
            raise ZipFormError(reason=f"another file where {name} belongs")
        files[name] = raw[start : start + size_bytes]
        if len(files[name]) != size_bytes:
            raise ZipFormError(reason=f"{name} ends before its size")
        offset = start + size_bytes
    if _pack(files, order) != raw:
        raise ZipFormError(reason="a header, checksum or the directory differs from the one legal form")
    return files
