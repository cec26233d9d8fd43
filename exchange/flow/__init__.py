"""The use cases, one module each: agree, prepare, clear, release, publish, pull, verify. They decide."""
