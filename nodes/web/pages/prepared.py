"""Files that take longer than a page may: made beside it, while its reader's page asks again, without scripts.

A sheet of five thousand rows takes a second of CPU as PDF, and tables may be sixty times as large. One file is made at
a time, so that others' pages stay quick.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future

from starlette.requests import Request
from starlette.responses import Response

from exchange.errors.exchange_ import TooManyRequestsError
from nodes.web.pages.files import attached
from nodes.web.pages.rendering import Pages
from nodes.web.sessions import Officer

WAIT_S = 1.0
LOOK_AGAIN_S = 2
UNDER_WAY_MAX = 8
KEPT_MAX = 4
"""Files that are kept for whoever asked and comes again."""
ACCEPTED = 202


class PreparedFiles:
    """What one console makes.

    Args:
        web: Its pages.
        wait_s: A file that is there within this comes at once.
    """

    def __init__(self, web: Pages, *, wait_s: float = WAIT_S) -> None:
        self._web = web
        self._wait_s = wait_s
        self._known: OrderedDict[Hashable, Future[bytes]] = OrderedDict()
        self._knowing = threading.Lock()
        self._turn = threading.Lock()

    def answer(
        self,
        request: Request,
        officer: Officer,
        make: Callable[[], bytes],
        *,
        key: Hashable,
        name: str,
        media_type: str,
        back: str,
    ) -> Response:
        """The file; or, while it is being made, a page that looks again.

        Args:
            request: Of the file's address.
            officer: Who may have it.
            make: The file's bytes; called once for a key, in a thread of its own.
            key: Everything that decides what the file says.
            name: What the download is called.
            media_type: Of the file.
            back: The page that offers it.

        Raises:
            ExchangeError: What `make` raises; or too many files are under way.
        """
        made = self._asked(key, make)
        try:
            return attached(made.result(timeout=self._wait_s), name, media_type)
        except TimeoutError:
            page = self._web.page(
                request, "web/prepared.html", {"officer": officer, "name": name, "back": back}, status=ACCEPTED
            )
        page.headers["Refresh"] = str(LOOK_AGAIN_S)
        return page

    def _asked(self, key: Hashable, make: Callable[[], bytes]) -> Future[bytes]:
        with self._knowing:
            known = self._known.get(key)
            if known is not None and not (known.done() and known.exception()):
                return known
            self._make_room()
            made: Future[bytes] = Future()
            self._known[key] = made
        threading.Thread(target=self._make, args=(made, make), daemon=True).start()
        return made

    def _make_room(self) -> None:
        """Forget the oldest files that are done.

        Raises:
            TooManyRequestsError: As many as may be are under way.
        """
        done = [key for key, made in self._known.items() if made.done()]
        if len(self._known) - len(done) >= UNDER_WAY_MAX:
            raise TooManyRequestsError(retry_after_s=LOOK_AGAIN_S)
        for key in done[: max(0, len(done) - KEPT_MAX + 1)]:
            del self._known[key]

    def _make(self, made: Future[bytes], make: Callable[[], bytes]) -> None:
        with self._turn:
            try:
                made.set_result(make())
            except Exception as error:  # noqa: BLE001  # raised again before whoever asks
                made.set_exception(error)
