"""Disclosure control: what makes a safe table of an aggregate one, or refuses.

`protect` hides sensitive cells and enough others, and lets a table leave only if the audit proves it safe, alone and
with everything that was released before.
"""

from exchange.disclosure.loss import Loss
from exchange.disclosure.pool import Pool
from exchange.disclosure.protect import AuditSummary, Circle, Protected, protect, vintages
from exchange.disclosure.protection import SecretParameters
from exchange.table import Released

__all__ = ["AuditSummary", "Circle", "Loss", "Pool", "Protected", "Released", "SecretParameters", "protect", "vintages"]
