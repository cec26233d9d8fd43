"""The zone that faces partners: cleared bundles only, verified again, logged, served."""
