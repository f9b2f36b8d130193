"""Builders: plain values in, plain dicts out, no Pulumi."""
