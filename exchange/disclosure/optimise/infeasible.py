"""Why no pattern is safe."""


class UnprotectableError(Exception):
    """Nothing that may be withheld gives this cell what it needs.

    Attributes:
        cell: Its number in the problem.
        attacker: The insider's name, for the officer's eyes only; None for the outsider.
    """

    def __init__(self, cell: int, attacker: str | None) -> None:
        super().__init__(cell)
        self.cell = cell
        self.attacker = attacker
