"""What a desk's own gateway answers on its local socket while nothing is wrong: its state, pulls, partners' offers."""

from typing import Any

STATUS: dict[str, Any] = {
    "status": 200,
    "member": "KZ",
    "log": {"origin": "kz.example/log", "size": 1200, "root": 64 * "a", "cosigned_size": 1200},
    "registry": 3,
    "health": [],
    "warnings": [],
    "witnesses": {"kg.example/witness": "clock-skew"},
    "debts": [],
}
DOCTOR: dict[str, Any] = {
    "partners": [
        {
            "issuer": f"http://127.0.0.1:810{number}",
            "milliseconds": 1200 + number,
            "witness_trouble": None,
            "member": member,
            "problem": problem,
            "was_here_at": at,
        }
        for number, (member, at, problem) in enumerate(
            (
                ("KG", "2026-10-01T10:00:00Z", None),
                (
                    "TJ",
                    None,
                    {
                        "code": "partner-unreachable",
                        "exit_code": 5,
                        "message": {"en": "TJ does not answer", "ru": "TJ не отвечает"},
                        "mend": {"en": "ask its operator", "ru": "спросите его оператора"},
                    },
                ),
            )
        )
    ]
}


def pulls(bundle: str) -> dict[str, Any]:
    """KG pulled the bundle and receipted it, TJ owes that; and this member pulled one from KG."""
    both = {"bundle": bundle, "contract": "CA-01-BORDER", "at": "2026-10-03T10:00:00Z", "acknowledged": False}
    served = [
        {**both, "pull": "sha256:1", "puller": "KG", "index": 9, "verdict": "accepted"},
        {**both, "pull": "sha256:2", "puller": "TJ", "index": 8, "verdict": None},
    ]
    made = {
        "pull": "sha256:3",
        "partner": "KG",
        "bundle": "sha256:" + 64 * "a",
        "purpose": "official_statistics",
        "at": "2026-10-02T10:00:00Z",
        "verdict": "accepted",
        "taken": True,
        "acknowledged": None,
    }
    return {"served": served, "served_found": 2, "made": [made], "made_found": 1, "members": ["KG", "TJ"]}


def pullers(bundle: str) -> dict[str, Any]:
    """The same by member."""
    shown = ("puller", "at", "verdict", "acknowledged")
    return {"pullers": [{"pulls": 1, **{name: one[name] for name in shown}} for one in pulls(bundle)["served"]]}


def offers(partner: str, contract: dict[str, str]) -> dict[str, Any]:
    """One release on offer, one that was replaced, one that was taken back."""
    states = (("2026-09", "published", "b"), ("2026-08", "superseded", "c"), ("2026-07", "withdrawn", "d"))
    return {
        "bundles": [
            {
                "bundle": "sha256:" + 64 * digit,
                "provider": partner,
                "contract": contract,
                "period": period,
                "revision": 0,
                "state": state,
            }
            for period, state, digit in states
        ]
    }


def pulled(partner: str, contract: dict[str, str], bundle: str) -> dict[str, Any]:
    """What a pull comes to."""
    return {
        "bundle": bundle,
        "provider": partner,
        "contract": contract,
        "period": "2026-09",
        "revision": 0,
        "state": "published",
        "pull": "sha256:" + 64 * "e",
        "folder": "/pulled",
        "already_there": False,
        "receipt_taken": True,
    }


def all_answers(bundle: str, contract: dict[str, str]) -> dict[str, dict[str, Any]]:
    """For `DeskWorld.gateway(**…)`: a gateway that knows everything that pages ask."""
    return {
        "status": STATUS,
        "doctor": DOCTOR,
        "receipts": pulls(bundle),
        "pullers": pullers(bundle),
        "catalogues/KG": offers("KG", contract),
        "catalogues/TJ": offers("TJ", contract),
        "catalogues/TM": {"bundles": []},
        "catalogues/UZ": {"bundles": []},
        "pulls": pulled("KG", contract, "sha256:" + 64 * "b"),
    }
