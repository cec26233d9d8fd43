"""A published bundle is taken back: by two officers, witnessed, refused from then on, acknowledged by who has it."""

import json
from pathlib import Path

import pytest

from tests.stories.faulty import CONTRACT, FaultyFederation, soon

pytestmark = [pytest.mark.story, pytest.mark.long]

DOES_NOT_HOLD = 3
REASON = "the register extract was incomplete"


def test_a_withdrawn_bundle_is_refused_with_its_reason_and_acknowledged_by_whoever_pulled_it(
    faulty: FaultyFederation,
) -> None:
    asked = (CONTRACT, "2026-08")
    digest = faulty.published("TM", "2026-08")
    faulty.act("pull", "tm", *asked, node="KG")

    faulty.act("withdrawal", "propose", *asked, "--officer", "tm-02", "--reason", REASON, node="TM")
    alone = faulty.refused("withdrawal", "release", *asked, node="TM", code=DOES_NOT_HOLD)
    assert alone.startswith(
        "clearance-approvals-missing: clearance: 2 approvals by different officers are needed, found 1"
    )
    assert len(faulty.offered("TM", "2026-08", to="UZ")) == 1
    faulty.act("withdrawal", "approve", *asked, "--officer", "tm-03", node="TM")
    faulty.act("withdrawal", "release", *asked, node="TM")
    soon("it takes effect", lambda: faulty.act("withdrawal", "release", *asked, node="TM")["effective"])

    refusal = faulty.refused("pull", "tm", *asked, node="UZ", code=DOES_NOT_HOLD)
    assert refusal.startswith(f"pull-withdrawn: {CONTRACT} for 2026-08: TM has withdrawn revision 0, bundle {digest}; ")
    assert "exchange --node UZ withdrawal look TM" in refusal

    told = faulty.act("withdrawal", "look", "tm", node="KG")
    kept = Path(told["acknowledged"][0]["folder"])
    assert json.loads((kept / "withdrawal.json").read_text(encoding="utf-8"))["reason"] == REASON
    given = faulty.logged("KG", type="receipt.given", bundle=digest)
    got = faulty.logged("TM", type="receipt.got", bundle=digest)
    assert len(given) == len(got) == 2  # one for the pull, one for the withdrawal
    assert {entry["evidence"] for entry in given} == {entry["evidence"] for entry in got}
    assert len(faulty.logged("TM", type="bundle.withdrawn", bundle=digest)) == 1
    faulty.require_clean_audit(digest)
