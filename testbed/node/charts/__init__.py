"""What stand-ins of charts run on real nodes."""

from testbed.node.charts.templates import with_pods

__all__ = ["with_pods"]
