"""Pulls that go another way than the honest one: each lie, each accident, told step by step."""

from tests.world.pull_logs import RIGHT, WRONG, PullLogs, bundle_named


def received_without_receipt(logs: PullLogs) -> None:
    pull = logs.request()
    logs.serve(pull)
    logs.take(pull, logs.deliver(pull))


def accepted_two_contents(logs: PullLogs) -> None:
    logs.honest_pull("TJ")
    logs.honest_pull("KG", content=WRONG)


def accepted_without_delivery(logs: PullLogs) -> None:
    pull = logs.request()
    logs.serve(pull)
    logs.take(pull, logs.deliver(pull, signed_by="KG"))


def accepted_with_another_pulls_delivery(logs: PullLogs) -> None:
    other = logs.request()
    logs.serve(other)
    delivery = logs.deliver(other)
    pull = logs.request()
    logs.serve(pull)
    logs.take(pull, delivery)


def rejected(logs: PullLogs, *, code: str = "signature-invalid", **delivery: object) -> None:
    pull = logs.request()
    logs.serve(pull)
    logs.take(pull, logs.deliver(pull, **delivery), code=code)  # type: ignore[arg-type]  # by name


def rejected_what_it_accepted(logs: PullLogs) -> None:
    logs.honest_pull("KG")
    rejected(logs)


def rejected_while_another_got_other_bytes(logs: PullLogs) -> None:
    logs.honest_pull("TJ")
    rejected(logs, content=WRONG)


def rejected_what_another_accepted(logs: PullLogs) -> None:
    logs.honest_pull("TJ")
    rejected(logs, content=RIGHT)


def rejected_without_evidence(logs: PullLogs) -> None:
    pull = logs.request()
    logs.serve(pull)
    logs.take(pull, None, code="pull-delivery")


def broke_off(logs: PullLogs) -> None:
    pull = logs.request()
    logs.serve(pull)
    logs.take(pull, None, code="incomplete")


def broke_off_unserved(logs: PullLogs) -> None:
    logs.take(logs.request(), None, code="incomplete")


def damaged_on_the_way(logs: PullLogs) -> None:
    logs.honest_pull("KG")
    rejected(logs, code="delivery-content")


def served_and_silent(logs: PullLogs) -> None:
    logs.serve(logs.request())


def served_unasked(logs: PullLogs) -> None:
    logs.serve(logs.request(signed_by="KZ"))


def served_for_another_bundle_asked(logs: PullLogs) -> None:
    logs.serve(logs.request(bundle=bundle_named("another")))


def served_request_withheld(logs: PullLogs) -> None:
    pull = logs.request()
    logs.serve(pull)
    del logs.signed[pull]
    logs.withheld.add(("KZ", pull))


def delivered_unlogged(logs: PullLogs) -> None:
    pull = logs.request()
    logs.take(pull, logs.deliver(pull, index=0))


def rejected_unlogged(logs: PullLogs) -> None:
    pull = logs.request()
    logs.take(pull, logs.deliver(pull, index=0), code="signature-invalid")


def received_from_nobody(logs: PullLogs) -> None:
    pull = logs.request()
    logs.take(pull, logs.deliver(pull, signed_by="KG"))


def rejected_from_nobody(logs: PullLogs) -> None:
    pull = logs.request()
    logs.take(pull, logs.deliver(pull, signed_by="KG"), code="pull-delivery")


def delivery_withheld(logs: PullLogs) -> None:
    pull = logs.request()
    logs.serve(pull)
    delivery = logs.deliver(pull)
    logs.take(pull, delivery, code="signature-invalid")
    del logs.signed[delivery]
    logs.withheld.add(("KG", delivery))


def puller_names_another_bundle(logs: PullLogs) -> None:
    pull = logs.request()
    logs.serve(pull)
    logs.take(pull, logs.deliver(pull), bundle=bundle_named("another"))


def publisher_names_another_bundle(logs: PullLogs) -> None:
    logs.publish(bundle_named("another"), period="2026-08")
    pull = logs.request(bundle=bundle_named("another"))
    logs.serve(pull, bundle=bundle_named("another"))
    logs.take(pull, logs.deliver(pull))


def served_twice(logs: PullLogs) -> None:
    pull = logs.honest_pull()
    logs.serve(pull)


def received_twice(logs: PullLogs) -> None:
    pull = logs.request()
    logs.serve(pull)
    delivery = logs.deliver(pull)
    logs.take(pull, delivery)
    logs.take(pull, delivery)
