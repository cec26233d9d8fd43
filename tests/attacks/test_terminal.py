"""Texts from elsewhere at a terminal: none moves the cursor, recolours, hides, or pretends to be another line."""

import io

import pytest

from nodes.terminal import Output

HOSTILE = [
    pytest.param("KZ\x1b[2J\x1b[H", "KZ\\x1b[2J\\x1b[H", id="the screen is cleared"),
    pytest.param("KZ\x1b]0;title\x07", "KZ\\x1b]0;title\\x07", id="the window gets another title"),
    pytest.param("fails\rholds", "fails\\rholds", id="the line is written over"),
    pytest.param("fails\b\b\b\b\bholds", "fails\\x08\\x08\\x08\\x08\\x08holds", id="letters are taken back"),
    pytest.param("KZ\nUZ  holds", "KZ\\nUZ  holds", id="another line"),
    pytest.param("KZ\u2028UZ", "KZ\\u2028UZ", id="another line in Unicode"),
    pytest.param("KZ\x85UZ", "KZ\\x85UZ", id="a next line"),
    pytest.param("KZ\x9b2J", "KZ\\x9b2J", id="a control sequence of one byte"),
    pytest.param("\u202eZK", "\\u202eZK", id="the direction turned"),
    pytest.param("K\u200bZ", "K\\u200bZ", id="a blank of no width"),
    pytest.param("KZ\ud800", "KZ\\ud800", id="half a letter"),
    pytest.param("Қазақстан\u00a0– 1\u202f000 ⏎", "Қазақстан\u00a0– 1\u202f000 ⏎", id="an honest text"),
]


def output() -> Output:
    return Output(json=False, language="en", out=io.StringIO(), err=io.StringIO())


def printed(made: Output) -> str:
    assert isinstance(made.out, io.StringIO)
    return made.out.getvalue()


@pytest.mark.parametrize(("text", "shown"), HOSTILE)
def test_a_text_from_elsewhere_stays_in_its_line(text: str, shown: str) -> None:
    made = output()
    made.line(text)
    made.say(en=text, ru="-")
    assert printed(made) == f"{shown}\n" * 2


@pytest.mark.parametrize(("text", "shown"), HOSTILE)
def test_a_text_from_elsewhere_stays_in_its_cell_and_the_columns_stay_straight(text: str, shown: str) -> None:
    made = output()
    made.table(["member", "state"], [[text, "refused"], ["KG", "holds"]])
    lines = printed(made).split("\n")
    assert lines[2] == f"{shown.ljust(len('member'))}  refused"
    assert [line.index("refused" if "refused" in line else "holds") for line in lines[2:4]] == [
        max(len("member"), len(shown)) + 2
    ] * 2
    assert len(lines) == len(("header", "rule", "hostile", "honest", ""))


def test_several_lines_of_our_own_stay_several() -> None:
    made = output()
    made.text("first\nsecond")
    assert printed(made) == "first\nsecond\n"
