"""What an audit finds of members that hold others' figures: a withdrawal not acknowledged, a revision not taken.

Neither speaks against who published; the second is an observation: the evidence shows that it was not pulled, and not
why.
"""

from exchange.errors.audit import FindingError


class WithdrawalNotAcknowledgedError(FindingError):
    """A bundle that its provider took back and a holder keeps silent about."""

    code = "withdrawal-not-acknowledged"
    en = "pull {pull}: {party} received {bundle} of {publisher}, who withdrew it; not acknowledged by {due}"
    ru = "выдача {pull}: {party} получил {bundle} участника {publisher}, тот отозвал его; нет подтверждения к {due}"
    mend_en = "the gateway of {party} acknowledges by itself once it runs; at once: withdrawal look {publisher}"
    mend_ru = "шлюз {party} подтвердит сам, когда заработает; сразу: withdrawal look {publisher}"


class RevisionNotTakenError(FindingError):
    """A revision on offer to a member that goes on holding the figures which it replaces."""

    code = "revision-not-taken"
    en = (
        "{party}: {contract} {period} of {publisher}: holds revision {held} and has not pulled revision {revision}, "
        "on offer since {since}: {lateness} by the contract's ladder"
    )
    ru = (
        "{party}: {contract} {period} участника {publisher}: хранит редакцию {held} и не получил редакцию {revision}, "
        "доступную с {since}: по шкале договора {lateness}"
    )
    mend_en = (
        "the gateway of {party} pulls it by itself once it runs and reaches {publisher}; at once: pull {publisher}"
    )
    mend_ru = "шлюз {party} получит её сам, когда заработает и свяжется с {publisher}; сразу: pull {publisher}"
