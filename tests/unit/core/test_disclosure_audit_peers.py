"""The audit of what τ-ARGUS and GaussSuppression published: the counts of under-protected cells found elsewhere."""

import csv
import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from exchange.disclosure.arrays import Floats, Integers, Mask
from exchange.disclosure.audit import audit, informed
from exchange.disclosure.problem import Insider, Needs, View
from exchange.disclosure.relations import System
from exchange.pattern import Relation
from exchange.table import CellKey
from tests.shared import shared


@dataclass(frozen=True)
class Instance:
    """A table of ../shared/sdc in whole units of its last decimal."""

    folder: Path
    system: System
    values: Integers
    sole: Mask
    needs: Needs
    totals: tuple[str, ...]

    def view(self, publication: str) -> View:
        """What a reader of a publication sees."""
        rows = list(csv.reader((self.folder / publication).read_text().splitlines()))[1:]
        hidden = {tuple(row[:-1]) for row in rows if row[-1] in {"", "x"}}
        known = np.array([key not in hidden for key in self.system.keys])
        size = len(known)
        return View(
            system=self.system,
            known=known,
            figures=np.where(known, self.values, 0),
            whole=False,
            low=np.zeros(size),
            high=np.full(size, np.inf),
        )


@pytest.mark.parametrize(
    ("name", "publication", "short"),
    [
        ("rt_act_size", "pub_gauss.csv", 31),
        ("rt_nuts_cj", "pub_gauss.csv", 18),
        ("syn2d_1k", "pub_gauss.csv", 36),
        ("rt_act_size", "pub_tau_opt.csv", 0),
        ("rt_nuts_cj", "pub_tau_opt.csv", 0),
        ("syn2d_1k", "pub_tau_opt.csv", 0),
    ],
)
def test_an_outsider_computes_as_many_primaries_too_closely_as_found_elsewhere(
    name: str, publication: str, short: int
) -> None:
    instance = _instance(name)
    outcome = audit(instance.view(publication), instance.needs)
    assert len(outcome.findings) == short
    assert outcome.finished


@pytest.mark.parametrize(("name", "short"), [("rt_act_size", 12), ("rt_nuts_cj", 11)])
def test_a_sole_contributor_computes_as_many_primaries_too_closely_as_found_elsewhere(name: str, short: int) -> None:
    # A contributor is taken to know its cell again in the totals over a dimension, not in the levels between.
    instance = _instance(name)
    view = instance.view("pub_tau_opt.csv")
    insiders = informed(_sole_contributors(instance, view), instance.values)
    outcome = audit(view, instance.needs, insiders=insiders, hints=[instance.values.astype(np.float64)])
    assert len(outcome.findings) == short
    assert all(finding.attacker is not None for finding in outcome.findings)
    assert outcome.finished


def _sole_contributors(instance: Instance, view: View) -> list[Insider]:
    keys = instance.system.keys
    cells = np.flatnonzero(instance.sole & ~view.known).tolist()
    above = {cell: set(_totals(keys[cell], instance.totals)) for cell in cells}

    def same(one: int, other: int) -> bool:
        return one == other or keys[other] in above[one] or keys[one] in above[other]

    return [Insider("", tuple(other for other in cells if same(cell, other))) for cell in cells]


def _totals(key: CellKey, totals: tuple[str, ...]) -> list[CellKey]:
    """The cells that contain this one over the whole of some dimensions, itself left out."""
    found = [key]
    for place, total in enumerate(totals):
        found += [(*other[:place], total, *other[place + 1 :]) for other in found]
    return [other for other in dict.fromkeys(found) if other != key]


def _instance(name: str) -> Instance:
    folder = shared(f"sdc/{name}")
    dims = json.loads((folder / "instance.json").read_text())["dims"]
    rows = list(csv.DictReader((folder / "cells.csv").read_text().splitlines()))
    unit = 10 ** max(-int(Decimal(row["value"]).normalize().as_tuple().exponent) for row in rows)
    keys = [tuple(row[dim] for dim in dims) for row in rows]
    values = np.array([int(Decimal(row["value"]) * unit) for row in rows], dtype=np.int64)
    primary = np.array([row["primary"] == "1" for row in rows])
    lpl, upl = (_column(rows, name) * unit for name in ("lpl", "upl"))
    needs = Needs(
        np.where(primary, values + upl, -np.inf), np.where(primary, values - lpl, np.inf), np.zeros(len(rows))
    )
    sole = np.array([float(row["freq"]) == 1 for row in rows])
    totals = tuple(dim["total"] for dim in dims.values())
    return Instance(folder, System.of(keys, _relations(keys, list(dims.values()))), values, sole, needs, totals)


def _column(rows: list[dict[str, str]], name: str) -> Floats:
    return np.array([float(row[name] or 0) for row in rows])


def _relations(keys: list[CellKey], dims: list[dict[str, dict[str, list[str]]]]) -> list[Relation]:
    present, found = set(keys), []
    for place, dim in enumerate(dims):
        for key in keys:
            parts = [(*key[:place], code, *key[place + 1 :]) for code in dim["children"].get(key[place], ())]
            if parts:
                found.append(Relation(((key, -1), *((part, 1) for part in parts if part in present))))
    return found
