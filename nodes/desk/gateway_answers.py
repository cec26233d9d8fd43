"""What the own gateway answers to the desk, in the shape that is read of it; one of another version may say more."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Count = Annotated[int, Field(ge=0)]


class Answer(BaseModel):
    """A part of an answer: nothing coerced, what is not read is left out."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class LogAnswer(Answer):
    """The gateway's log: so many entries, of which a quorum has cosigned so many."""

    origin: str
    size: Count
    root: str
    cosigned_size: Count


class StatusAnswer(Answer):
    """`GET /local/status`: what makes the node red or soon will, the log, witnesses in trouble, receipts owed."""

    log: LogAnswer
    health: list[str]
    warnings: list[str]
    witnesses: dict[str, str]
    debts: list[JsonValue]


class Sentences(Answer):
    """One thing said in the languages of the rules."""

    en: str
    ru: str


class PathProblem(Answer):
    """Why a partner cannot be reached."""

    code: str
    message: Sentences
    mend: Sentences


class PathAnswer(Answer):
    """The way to one partner and back."""

    member: str
    issuer: str
    milliseconds: Count
    problem: PathProblem | None
    witness_trouble: str | None
    was_here_at: str | None


class PathsAnswer(Answer):
    """`GET /local/doctor`."""

    partners: list[PathAnswer]


class PublicationAnswer(Answer):
    """Where a bundle stands that was handed over, and the index of its entry in the log."""

    state: Literal["logged", "published", "superseded", "withdrawn"]
    index: Count


class PublicationsAnswer(Answer):
    """`GET /local/publications`: none where the gateway does not have the bundle."""

    publications: list[PublicationAnswer]


class WithdrawalAnswer(Answer):
    """What a withdrawal came to, and the index of its entry in the log."""

    effective: bool
    index: Count
