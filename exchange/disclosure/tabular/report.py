"""What a program reads of a protection or an audit: counts, cost, bound, verdict; no withheld figure, no interval."""

import math

from exchange.disclosure.tabular.engine import ProtectedInstance, Verdict
from exchange.disclosure.tabular.model import Instance
from exchange.disclosure.tabular.problem import AttackerModel
from exchange.disclosure.version import ENGINE
from exchange.encoding import Digest

REPORT_TYPE = "sdc-report/1"


def protection_report(
    instance: Instance,
    protected: ProtectedInstance,
    publication: bytes,
    *,
    attackers: AttackerModel,
    floor: bool,
) -> dict[str, object]:
    """How an instance was protected, for the statistician: cost and primary count are not for publication."""
    found = protected.suppressed
    proved = math.isfinite(found.bound)
    primary, withheld = int(instance.cells.primary.sum()), int(found.withheld.sum())
    return {
        "type": REPORT_TYPE,
        "engine": {"name": ENGINE[0], "version": ENGINE[1]},
        "instance": instance.structure.name,
        "publication": str(Digest.of(publication)),
        "attacker": attackers.value,
        "floor": floor,
        "cells": instance.size,
        "primary": primary,
        "secondary": withheld - primary,
        "withheld": withheld,
        "cost": found.cost,
        "bound": found.bound if proved else None,
        "gap": found.gap if proved else None,
        "stage": found.stage,
        "work": {"programmes": found.programmes},
        "audit": _audit(protected.verdict),
    }


def verdict_report(instance: Instance, verdict: Verdict) -> dict[str, object]:
    """What the audit says of a publication, with every cell that is not safe."""
    return {
        **_audit(verdict),
        "withheld": verdict.withheld,
        "exact": sum(found.exact for found in verdict.exposed),
        "insider": sum(found.insider for found in verdict.exposed),
        "exposed": [
            {
                "cell": list(instance.cells.keys[found.cell]),
                "reason": found.reason,
                "exact": found.exact,
                "attacker": "insider" if found.insider else "outsider",
            }
            for found in verdict.exposed
        ],
    }


def _audit(verdict: Verdict) -> dict[str, object]:
    word = "safe" if verdict.safe else "exposed" if verdict.finished else "unfinished"
    return {
        "verdict": word,
        "finished": verdict.finished,
        "attackers": verdict.attackers,
        "programmes": verdict.programmes,
    }
