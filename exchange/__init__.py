"""The rules of the exchange: pure functions on bytes and values, no web, SQL, network, clock or environment.

Reading order: errors, encoding, codes; signing (keys, jws, trust) and contract (model, parse); table, manifest,
statement, report; pattern; disclosure, receipt; log, sdmx, clearance; publication (what anybody can check without a
figure); bundle, reconcile; flow (the use cases); __main__ (offline verification for anybody).
"""

__version__ = "0.1.0"
