"""`exchange demo`: the whole federation on one machine; `up`, `run`, `status`, `down` are its parts."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from exchange.errors import ExitCode
from exchange.errors.demo import DemoAbsentError, DemoRunningError
from nodes.demo import processes
from nodes.demo.federation import NAMES, found, open_federation
from nodes.demo.registers import FIVE, HOW_TO_OBTAIN, DemoRegister, make_registers
from nodes.demo.stage import Stage
from nodes.demo.story import Release, Told, tell
from nodes.settings import uk_returns_table
from nodes.terminal import CommandParser, Invocation, Output


def demo(invocation: Invocation) -> int:
    """Found, play, audit; then serve at a terminal until Ctrl-C, or stop and leave without one."""
    invocation.parse(CommandParser(invocation.command, "The whole federation on this machine, once through."))
    releases = _up(invocation)
    try:
        told = _run(invocation, releases)
        _last_screen(invocation.output, told)
        if sys.stdin.isatty() and sys.stdout.isatty() and not invocation.json:
            _serve(invocation)
    finally:
        processes.stop(processes.remembered(invocation.home))
    invocation.output.result({"state": "done", "home": str(invocation.home)})
    return ExitCode.FINE


def up(invocation: Invocation) -> int:
    """Found the federation and start its seven processes."""
    invocation.parse(CommandParser(invocation.command, "Found the demo federation and start its processes."))
    _up(invocation)
    return status(invocation)


def run(invocation: Invocation) -> int:
    """Play the story on the running federation."""
    invocation.parse(CommandParser(invocation.command, "Play the story on the running federation."))
    if not processes.remembered(invocation.home):
        raise DemoAbsentError(home=str(invocation.home))
    told = _run(invocation, _make_registers(invocation.home))
    _last_screen(invocation.output, told)
    return ExitCode.FINE


def status(invocation: Invocation) -> int:
    """What runs, and where; 1 if something does not."""
    invocation.parse(CommandParser(invocation.command, "What runs, and at which addresses."))
    known = processes.remembered(invocation.home)
    if not known:
        raise DemoAbsentError(home=str(invocation.home))
    rows = [(r.member, r.address, r.pid, processes.alive(r.pid)) for r in known]
    invocation.output.table(
        ["member", "address", "process", "state"],
        [[member, address, pid, "runs" if alive else "stopped"] for member, address, pid, alive in rows],
    )
    invocation.output.result(
        {"processes": [{"member": m, "address": a, "pid": p, "runs": alive} for m, a, p, alive in rows]}
    )
    return ExitCode.FINE if all(alive for *_, alive in rows) else ExitCode.ERROR


def down(invocation: Invocation) -> int:
    """Stop the demo's processes; its state stays until the next demo."""
    invocation.parse(CommandParser(invocation.command, "Stop the demo's processes."))
    known = processes.remembered(invocation.home)
    processes.stop(known)
    invocation.output.say(en=f"stopped {len(known)} processes", ru=f"остановлено процессов: {len(known)}")
    invocation.output.result({"stopped": len(known)})
    return ExitCode.FINE


def _up(invocation: Invocation) -> list[Release]:
    home = invocation.home
    for running in processes.remembered(home):
        if processes.alive(running.pid):
            raise DemoRunningError(home=str(home), pid=running.pid)
    federation = found(home, ports=processes.free_ports(len(NAMES)), clock=invocation.clock)
    started = [processes.start(node) for node in federation.nodes.values()]
    processes.remember(home, started)
    try:
        with ThreadPoolExecutor(max_workers=1) as beside:
            registers = beside.submit(_make_registers, home)  # while the processes start
            for running in started:
                processes.await_ready(running, federation.nodes[running.member].path)
            releases = registers.result()
    except BaseException:
        processes.stop(started)
        raise
    invocation.output.say(
        en=f"▸ {len(started)} members run, each a process of its own, in {home}",
        ru=f"▸ запущено участников: {len(started)}, каждый отдельным процессом, в {home}",
    )
    return releases


def _run(invocation: Invocation, releases: list[Release]) -> Told:
    home = invocation.home
    if all(release.register.synthetic for release in releases):
        invocation.output.say(en=HOW_TO_OBTAIN["en"], ru=HOW_TO_OBTAIN["ru"])
    else:
        invocation.output.say(
            en="GB publishes from the UK Home Office's register of returns (Open Government Licence v3.0), which is "
            "public and unsuppressed: it shows the mechanism. The registers of the five are SYNTHETIC.",
            ru="GB публикует из регистра возвращений Home Office (Open Government Licence v3.0): он открыт и не скрыт, "
            "здесь показан механизм. Реестры пяти стран СИНТЕТИЧЕСКИЕ.",
        )
    stage = Stage(federation=open_federation(home), clock=invocation.clock, output=invocation.output)
    return tell(stage, releases)


def _make_registers(home: Path) -> list[Release]:
    """Every register, made once; the Home Office's is read in place and turned into person records."""
    releases: list[Release] = []
    for member in (*FIVE, "GB"):
        releases += [Release(member=member, register=register) for register in _registers(home, member)]
    return releases


def _registers(home: Path, member: str) -> tuple[DemoRegister, ...]:
    return make_registers(member, home / member.lower() / "register", uk_returns=uk_returns_table())


def _last_screen(output: Output, told: Told) -> None:
    """The audit's table: every exchange and its verdict, then what the alteration brought."""
    output.line()
    exchanges: list[dict[str, Any]] = told.red.result["exchanges"]
    headers = ["publisher", "contract", "period", "puller", "verdict", "fault"]
    output.table(headers, [[exchange.get(name) or "-" for name in headers] for exchange in exchanges])
    output.line()
    for finding in told.red.result["findings"]:
        output.line(f"{finding['code']} [{finding['party']}] {finding['message'][output.language]}")
    output.say(
        en=f"{len(exchanges)} exchanges audited without a figure; the altered bundle was {told.blamed}'s",
        ru=f"проверено обменов: {len(exchanges)}, ни одной цифры не показано; изменён был набор {told.blamed}",
    )


def _serve(invocation: Invocation) -> None:
    """Print the addresses and wait for Ctrl-C."""
    for running in processes.remembered(invocation.home):
        invocation.output.line(f"  {running.member:<4} {running.address}")
    invocation.output.say(
        en="serving until Ctrl-C; try: exchange --node kg catalogue kz, or exchange demo console for a browser",
        ru="работает до Ctrl-C; попробуйте: exchange --node kg catalogue kz или exchange demo console для браузера",
    )
    processes.await_end()
