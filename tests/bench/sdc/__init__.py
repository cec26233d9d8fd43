"""Instances for `exchange sdc`, made from seeded micro-data, and the bench that runs them."""
