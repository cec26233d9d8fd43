"""A file that takes long is made once, beside the page; its reader is asked to look again, and no script is needed."""

import threading
import time
from collections.abc import Callable

import pytest
from starlette.requests import Request
from starlette.responses import Response

from exchange.errors.exchange_ import NotFoundError, TooManyRequestsError
from nodes.web.pages.catalogues import catalogues
from nodes.web.pages.prepared import KEPT_MAX, UNDER_WAY_MAX, PreparedFiles
from nodes.web.pages.rendering import Pages, Site
from nodes.web.roles import Role
from nodes.web.sessions import Officer
from tests.world.desk import SUBMITTED

PATIENCE_S = 60
OFFICER = Officer(
    account="a",
    name="Clearer",
    officer_id="kz-02",
    roles=frozenset({Role.CLEARING}),
    session="s",
    method="passkey",
    began_at=SUBMITTED,
    stepped_up_at=None,
    form_token="t",
)


class Slow:
    """A file that is ready once it is let go; `calls` counts how often it was made."""

    def __init__(self) -> None:
        self.go, self.calls = threading.Event(), 0

    def __call__(self) -> bytes:
        self.calls += 1
        assert self.go.wait(PATIENCE_S)
        return b"%PDF-"


@pytest.fixture
def files() -> PreparedFiles:
    site = Site(package="nodes.desk", name="Clearing desk", member="KZ", zone="UTC", navigation=())
    return PreparedFiles(Pages(site, catalogues()), wait_s=0.01)


def ask(files: PreparedFiles, make: Callable[[], bytes], *, key: object = 1, language: str = "en") -> Response:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/releases/1/sheet.pdf",
        "query_string": b"",
        "headers": [(b"accept-language", language.encode())],
    }
    return files.answer(
        Request(scope), OFFICER, make, key=key, name="kz.pdf", media_type="application/pdf", back="/releases/1"
    )


def until_there(files: PreparedFiles, make: Callable[[], bytes], *, key: object = 1) -> Response:
    ends = time.monotonic() + PATIENCE_S
    while (answer := ask(files, make, key=key)).status_code == 202:
        assert time.monotonic() < ends
    return answer


def test_while_it_is_made_a_page_looks_again_by_itself_and_then_the_file_comes(files: PreparedFiles) -> None:
    slow = Slow()
    page = ask(files, slow)
    assert page.status_code == 202
    assert page.headers["refresh"] == "2"
    assert "The file is being prepared" in bytes(page.body).decode()
    assert 'href="/releases/1/sheet.pdf"' in bytes(page.body).decode()
    assert "Файл готовится" in bytes(ask(files, slow, language="ru").body).decode()
    slow.go.set()
    done = until_there(files, slow)
    assert (done.status_code, bytes(done.body)) == (200, b"%PDF-")
    assert done.headers["content-disposition"] == 'attachment; filename="kz.pdf"'
    assert slow.calls == 1


def test_why_it_cannot_be_made_is_said_and_the_next_request_tries_again(files: PreparedFiles) -> None:
    calls = []

    def make() -> bytes:
        calls.append(1)
        raise NotFoundError

    for _ in range(2):
        with pytest.raises(NotFoundError):
            until_there(files, make)
    assert len(calls) == 2


def test_no_more_files_are_begun_than_may_be_under_way(files: PreparedFiles) -> None:
    slow = Slow()
    for key in range(UNDER_WAY_MAX):
        assert ask(files, slow, key=key).status_code == 202
    with pytest.raises(TooManyRequestsError):
        ask(files, slow, key="one more")
    slow.go.set()
    assert until_there(files, slow).status_code == 200


def test_of_files_that_are_done_only_the_newest_are_kept(files: PreparedFiles) -> None:
    quick = Slow()
    quick.go.set()
    for key in range(KEPT_MAX + 2):
        until_there(files, quick, key=key)
    assert quick.calls == KEPT_MAX + 2
    until_there(files, quick, key=KEPT_MAX + 1)
    assert quick.calls == KEPT_MAX + 2  # the newest is still there
    until_there(files, quick, key=0)
    assert quick.calls == KEPT_MAX + 3  # the oldest was forgotten
