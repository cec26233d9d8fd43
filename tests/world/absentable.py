"""A private key behind a token that may be away: it is outside the process."""

from exchange.errors.keys import TokenGoneError
from exchange.signing.keys import SoftwareSigner


class AbsentableToken:
    """Signs with another signer's key, unless it is away."""

    def __init__(self, signer: SoftwareSigner) -> None:
        self._signer = signer
        self.public = signer.public
        self.away = False

    def sign(self, message: bytes) -> bytes:
        if self.away:
            raise TokenGoneError(token="KZ", reason="CKR_DEVICE_REMOVED")
        return self._signer.sign(message)
