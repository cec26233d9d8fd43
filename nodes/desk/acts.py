"""What officers do in the member's name, as the console's journal calls it: the same by page and by interface."""

from enum import StrEnum


class DeskAct(StrEnum):
    """An act that is written down before it is done."""

    PULL = "pull"
    RELEASE = "release"
    RELEASE_WITHDRAWAL = "release withdrawal"
    SIGN_CONTRACT = "sign contract"
    SUSPEND_CONTRACT = "suspend contract"
    RESUME_CONTRACT = "resume contract"
    END_CONTRACT = "end contract"
    PROPOSE_CONTRACT = "propose contract"
