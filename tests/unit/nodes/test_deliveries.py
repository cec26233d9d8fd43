"""A delivery is signed once and known by its digest, in this process or in the next."""

from exchange.encoding import Digest
from exchange.receipt import evidence_digest, open_delivery
from nodes.adapters.pull_store import Served
from nodes.gateway.deliveries import Deliveries
from tests.world.federation import signer

KZ = signer("kz transport")


def served(index: int) -> Served:
    return Served(
        bundle=Digest.of(b"bundle"),
        puller="KG",
        file="zip",
        index=index,
        content=Digest.of(b"zip"),
        entry=b'{"type":"pull.served"}',
        note=b"kz.exchange.example/log\n8\nAAAA\n\n",
        receipt=None,
    )


def pull(number: int) -> Digest:
    return Digest.of(str(number).encode())


def test_a_delivery_says_what_was_served() -> None:
    delivery = open_delivery(Deliveries("KZ", KZ).sign(pull(0), served(7)), keys=[KZ.public])

    assert (delivery.pull, delivery.publisher, delivery.puller, delivery.index) == (pull(0), "KZ", "KG", 7)
    assert (delivery.entry, delivery.content) == (b'{"type":"pull.served"}', Digest.of(b"zip"))


def test_its_digest_is_the_same_remembered_forgotten_and_after_a_restart() -> None:
    known = Deliveries("KZ", KZ, remembered_max=2)
    tokens = [known.sign(pull(number), served(number)) for number in range(4)]
    digests = [evidence_digest(token) for token in tokens]

    assert [known.digest(pull(number), served(number)) for number in range(4)] == digests
    assert [Deliveries("KZ", KZ).digest(pull(number), served(number)) for number in range(4)] == digests
