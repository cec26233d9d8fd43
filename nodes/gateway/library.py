"""This member's publications as the gateway serves them: the index in memory, the ZIP files on disk.

Every serving hashes the stored bytes again and compares them with the digest recorded at publication: a file altered at
rest is the publisher's fault, is refused before a byte leaves, and turns the node's health red until it is restored.
"""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

from exchange.bundle.zipform import unpack_zip
from exchange.encoding import Digest
from exchange.errors.bundle import ZipFormError
from exchange.errors.exchange_ import BundleDamagedError
from exchange.flow.publish import Earlier, PublicationState
from nodes.adapters.durable import write_durably
from nodes.adapters.publication_store import KeptPublication

INLINE_BYTES_MAX = 256 * 1024
"""Larger files are read and hashed in a thread, so that nobody waits for them."""


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes to serve and their digest."""

    raw: bytes
    digest: Digest


class Library:
    """The member's bundles."""

    def __init__(self, member: str, folder: Path) -> None:
        self._member = member
        self._folder = folder
        self._kept: dict[Digest, KeptPublication] = {}
        self.damaged: set[Digest] = set()
        self.stuck: dict[Digest, str] = {}  # logged, and never to be published: why

    def take(self, kept: list[KeptPublication]) -> None:
        """Take over what the store holds, at the start."""
        self._kept = {one.bundle: one for one in kept}

    def put(self, kept: KeptPublication) -> None:
        """A publication that was logged, or changed its state."""
        self._kept[kept.bundle] = kept

    def move(self, bundle: Digest, state: PublicationState) -> None:
        """A publication goes on to another state."""
        self._kept[bundle] = replace(self._kept[bundle], state=state)

    def get(self, bundle: Digest) -> KeptPublication | None:
        """A publication by its digest."""
        return self._kept.get(bundle)

    def state(self, bundle: Digest) -> PublicationState | None:
        """Where a publication stands; None for an unknown one."""
        kept = self._kept.get(bundle)
        return None if kept is None else kept.state

    def all(self) -> tuple[KeptPublication, ...]:
        """Every publication, in the order of its entry."""
        return tuple(sorted(self._kept.values(), key=lambda one: one.index))

    def earlier(self) -> tuple[Earlier, ...]:
        """What a new publication must know of those before it."""
        return tuple(
            Earlier(
                bundle=one.bundle,
                contract_id=one.contract_id,
                linkage_group=one.linkage_group,
                period=one.period,
                recipients=one.recipients,
                revision=one.revision,
            )
            for one in self._kept.values()
        )

    # --- files -------------------------------------------------------------------------------------------------

    def waiting_file(self, bundle: Digest) -> Path:
        """Where a logged bundle waits for its quorum; not a ZIP by name, since it is not published."""
        return self._folder / f"{bundle.hex}.waiting"

    def zip_file(self, bundle: Digest) -> Path:
        """Where the published bundle lies."""
        return self._folder / f"{bundle.hex}.zip"

    def keep_waiting(self, bundle: Digest, raw: bytes) -> None:
        """Write a hand-over durably before its entry."""
        self._folder.mkdir(parents=True, exist_ok=True)
        write_durably(self.waiting_file(bundle), raw, sole=True)

    def keep_zip(self, bundle: Digest, raw: bytes) -> None:
        """Write a publication's ZIP durably before it is listed."""
        write_durably(self.zip_file(bundle), raw, sole=True)

    async def read_zip(self, kept: KeptPublication) -> Content:
        """The published ZIP, exactly as published.

        Raises:
            BundleDamagedError: The stored bytes are others.
        """
        if (kept.zip_bytes or 0) > INLINE_BYTES_MAX:
            return await asyncio.to_thread(self._read, kept)
        return self._read(kept)

    async def read_file(self, kept: KeptPublication, name: str) -> Content | None:
        """One file of a published bundle; None if a bundle has no such file."""
        content = await self.read_zip(kept)
        try:
            files = await asyncio.to_thread(unpack_zip, content.raw)
        except ZipFormError as error:
            raise self._damage(kept, "a file of another form") from error
        raw = files.get(name)
        return None if raw is None else Content(raw, Digest.of(raw))

    def _read(self, kept: KeptPublication) -> Content:
        try:
            raw = self.zip_file(kept.bundle).read_bytes()
        except OSError as error:
            raise self._damage(kept, "no readable file") from error
        digest = Digest.of(raw)
        if digest != kept.zip_sha256:
            raise self._damage(kept, str(digest))
        self.damaged.discard(kept.bundle)
        return Content(raw, digest)

    def _damage(self, kept: KeptPublication, computed: str) -> BundleDamagedError:
        self.damaged.add(kept.bundle)
        return BundleDamagedError(
            bundle=str(kept.bundle), member=self._member, expected=str(kept.zip_sha256), computed=computed
        )
