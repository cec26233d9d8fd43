"""The demonstration stops at the first step that ends otherwise than its story says."""

import io
from pathlib import Path

import pytest

from exchange.errors import ExitCode
from exchange.errors.demo import DemoStepError
from nodes.adapters.clock import SystemClock
from nodes.demo.federation import DemoFederation
from nodes.demo.stage import Stage
from nodes.terminal import Output
from tests.unit.nodes.test_local_gateway import node


def test_a_step_that_ends_with_another_code_than_told_names_both(tmp_path: Path) -> None:
    federation = DemoFederation(home=tmp_path, nodes={"KZ": node(tmp_path)})
    output = Output(json=True, language="en", out=io.StringIO(), err=io.StringIO())
    stage = Stage(federation=federation, clock=SystemClock(), output=output)
    with pytest.raises(DemoStepError, match="expected exit 3, found 1"):  # its gateway does not run
        stage.act("nodes.cli.health:health", member="KZ", expect=ExitCode.DOES_NOT_HOLD)
