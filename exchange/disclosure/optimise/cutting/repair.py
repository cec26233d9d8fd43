"""Patterns in whole cells: what proves one safe, how to make a point in fractions one, and what it can do without."""

from collections.abc import Iterable

import numpy as np

from exchange.disclosure.arrays import Floats, Mask
from exchange.disclosure.optimise.cutting.demands import Board, Witness
from exchange.disclosure.optimise.cutting.meter import Meter
from exchange.disclosure.optimise.cutting.separation import Separation

_HALF = 0.5


class Proof:
    """A safe pattern and the deviations that prove it.

    Attributes:
        pattern: By cell.
        witnesses: Enough for every demand.
    """

    def __init__(self, pattern: Mask, witnesses: list[Witness]) -> None:
        self.pattern, self.witnesses = pattern, witnesses


class Repair:
    """Makes safe patterns of a part out of a safe one that is known."""

    def __init__(self, separation: Separation, meter: Meter) -> None:
        self._separation, self._meter = separation, meter
        self._part = separation.part
        self._slacks = np.ones(len(self._part.rise) - self._part.size, dtype=np.bool_)

    def prove(self, pattern: Mask, known: Iterable[Witness] = ()) -> Proof | None:
        """The pattern with what proves it; None if some demand fails, or the work is done."""
        board = self._separation.board(np.zeros_like(pattern))
        for cell in np.flatnonzero(pattern).tolist():
            self._separation.ask(board, cell)
        used = self._use(board, pattern, known)
        used += self._use(board, pattern, self._separation.all_remembered())
        found = self._separation.prove(pattern, board)
        return None if found is None else Proof(pattern, used + found)

    def rounded(self, x: Floats, proof: Proof, *, programmes_max: int) -> Proof | None:
        """A safe pattern near a point in fractions: what it leaves open is taken over from a safe pattern.

        Args:
            x: By cell, from 0 to 1.
            proof: Of the pattern that helps out.
            programmes_max: So many attackers' programmes on what could do without help.

        Returns:
            None if that failed.
        """
        pattern = self._part.primary | (x > _HALF)
        separation = self._separation
        board = separation.board(np.zeros_like(pattern))
        for cell in np.flatnonzero(pattern).tolist():
            separation.ask(board, cell)
        used = self._use(board, pattern, proof.witnesses)
        used += self._use(board, pattern, separation.all_remembered())
        used += separation.attempt(pattern, board, programmes_max)
        helping = sorted(proof.witnesses, key=lambda witness: self._added(witness, pattern))
        while (number := next((n for n, still in enumerate(board.open) if still), None)) is not None:
            place = next((place for place, w in enumerate(helping) if separation.serves(w, board, number)), None)
            if place is None:
                return self.prove(pattern, used)
            witness = helping.pop(place)
            cells = witness.cells[witness.cells < self._part.size]
            new = cells[~pattern[cells]]
            pattern[new] = True
            for cell in new.tolist():
                separation.ask(board, cell)
            used += self._use(board, pattern, [witness, *helping] if len(new) else [witness])
        return Proof(pattern, used)

    def lean(self, proof: Proof, share: float) -> Proof:
        """The same without cells that it can do without, dearest first.

        Args:
            proof: Of a safe pattern.
            share: Of all work, after which to leave it.
        """
        weights = self._part.weights
        cells = np.flatnonzero(proof.pattern & ~self._part.primary)
        for cell in cells[np.argsort(-weights[cells], kind="stable")].tolist():
            if self._meter.spent(share):
                break
            if proof.pattern[cell]:
                proof = self._without(cell, proof) or proof
        return proof

    def _without(self, cell: int, proof: Proof) -> Proof | None:
        pattern = proof.pattern.copy()
        pattern[cell] = False
        staying = [witness for witness in proof.witnesses if cell not in witness.cells]
        return self.prove(pattern, staying)

    def _use(self, board: Board, pattern: Mask, witnesses: Iterable[Witness]) -> list[Witness]:
        """Let deviations within the pattern prove what they can; those that proved something."""
        withheld = np.concatenate((pattern, self._slacks))
        return [witness for witness in witnesses if withheld[witness.cells].all() and board.see(witness)]

    def _added(self, witness: Witness, pattern: Mask) -> float:
        cells = witness.cells[witness.cells < self._part.size]
        return float(self._part.weights[cells[~pattern[cells]]].sum())
