"""Images of real software for pods in tests, made of packages: no registry of images is needed."""

from testbed.node.images.building import ensure, missing

__all__ = ["ensure", "missing"]
