"""Arches on Kubernetes as one Pulumi program."""
