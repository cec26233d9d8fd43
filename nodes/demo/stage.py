"""How the demo calls the exchange: the same command functions as the command line, in this process, as JSON."""

import importlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from exchange.errors import ExchangeError, ExitCode
from exchange.errors.demo import DemoStepError
from nodes.demo.federation import DemoFederation
from nodes.terminal import Clock, Invocation, Output

Command: TypeAlias = Callable[[Invocation], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a command left."""

    code: int
    result: dict[str, Any]

    @property
    def message(self) -> str:
        """The sentence of the refusal, if there was one."""
        error = self.result.get("error")
        return str(error["message"]) if isinstance(error, dict) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The running federation and the way to act on it."""

    federation: DemoFederation
    clock: Clock
    output: Output

    def act(self, target: str, *argv: str, member: str, expect: int = ExitCode.FINE) -> Ended:
        """Run one command for one member.

        Args:
            target: `module:function`, as in the table of commands.
            argv: Its arguments.
            member: For whom.
            expect: The exit code that the story says.

        Raises:
            DemoStepError: It ended otherwise.
        """
        ended = self.attempt(target, *argv, member=member)
        if ended.code != expect:
            step = f"{member} {target.rpartition('.')[2]} {' '.join(argv)}"
            raise DemoStepError(step=step, expected=int(expect), found=ended.code, message=ended.message)
        return ended

    def attempt(self, target: str, *argv: str, member: str) -> Ended:
        """Run one command for one member, however it ends."""
        module, function = target.split(":")
        run: Command = getattr(importlib.import_module(module), function)
        printed = io.StringIO()
        output = Output(json=True, language=self.output.language, out=printed, err=io.StringIO())
        invocation = Invocation(
            command=function,
            argv=argv,
            home=self.federation.home,
            node=self.federation.nodes[member],
            clock=self.clock,
            output=output,
        )
        try:
            code = run(invocation)
        except ExchangeError as error:
            code = output.refusal(error)
        lines = printed.getvalue().splitlines()
        return Ended(code=int(code), result=json.loads(lines[-1]) if lines else {})

    def tell(self, *, en: str, ru: str) -> None:
        """One line of the story."""
        self.output.say(en=en, ru=ru)
