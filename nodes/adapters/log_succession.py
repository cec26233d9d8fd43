"""The step from one own log to the next, on the node that keeps both (decision 44).

The old log's key closes it (`exchange log end`); after a start under the new log's key the store still ends in the old
log's checkpoint. Its entries are the new log's first; what is signed next names the checkpoint that they stand under.
"""

from exchange.encoding import Digest
from exchange.log.checkpoint import read_checkpoint
from exchange.log.entry import EntryType
from exchange.log.succession import BEGUN, ENDED
from exchange.signing.members import Member, format_member_keys
from nodes.adapters.contract_store import keep_evidence
from nodes.adapters.log_line import signed_last
from nodes.adapters.sequencer import LogDraft, Sequencer, Transaction

CHECKPOINT = "text/plain; charset=utf-8"
"""Media type of the evidence of `log-begun`: the closing checkpoint, cosigned as far as it was."""
KEYS = "application/vnd.indicator-exchange.member-keys+json"
"""Media type of the evidence of `log-ended`, and of other changes of keys: the member's keys.json."""


async def end_log(sequencer: Sequencer, member: Member) -> int:
    """Append the last entry, if it is not there, and refuse every other from then on; its index."""
    keys = format_member_keys(member)
    digest = Digest.of(keys)

    def work(transaction: Transaction) -> int:
        if transaction.closed_at is not None:
            return sequencer.log.size - 1
        keep_evidence(transaction.connection, digest, KEYS, keys)
        index = transaction.append(LogDraft(type=EntryType.KEY_CHANGED, evidence=digest, code=ENDED))
        transaction.closed_at = sequencer.log.origin
        return index

    return (await sequencer.submit(work)).result


async def begin_log(sequencer: Sequencer, *, closing: bytes | None) -> None:
    """Where the log continues another and has no entry of its own yet: append the one that says so, before any other.

    Args:
        sequencer: Of the log, its gate still shut.
        closing: The other log's last checkpoint as a quorum cosigned it, if it did.
    """

    def work(transaction: Transaction) -> None:
        last = signed_last(transaction.connection)
        if last is None or last[0].origin == sequencer.log.origin or last[0].size != sequencer.log.size:
            return
        evidence = last[1] if closing is None or read_checkpoint(closing)[0] != last[0] else closing
        digest = Digest.of(evidence)
        keep_evidence(transaction.connection, digest, CHECKPOINT, evidence)
        transaction.append(LogDraft(type=EntryType.KEY_CHANGED, evidence=digest, code=BEGUN))

    await sequencer.submit(work, gated=False)
