"""Requests to a component, by whichever program counts them: its own, or the ingress controller in front of it."""

from __future__ import annotations

from dataclasses import dataclass

LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds of the histograms of response times, in seconds: those of the Go client and of ingress-nginx."""


@dataclass(frozen=True)
class RequestSeries:
    """A counter of requests and a histogram of their durations, as one program names them."""

    counter: str
    histogram: str
    """Name of the histogram without `_bucket` and `_count`; its unit is the second."""
    matchers: str
    """What selects the component's requests among all of the program's."""
    status: str
    """Label with the HTTP status code."""
    namespace: str
    """Namespace of the stack: the label that the sums get, since a controller's series have its own namespace."""

    def requests(self, window: str) -> str:
        """Requests per second."""
        return self._sum(f"{self.counter}{{{self.matchers}}}", window)

    def errors(self, window: str) -> str:
        """Requests per second that ended in a server error; no series where there never was one."""
        return self._sum(f'{self.counter}{{{self.matchers},{self.status}=~"5.."}}', window)

    def answers(self, window: str) -> str:
        """Requests per second that the histogram has counted."""
        return self._sum(f"{self.histogram}_count{{{self.matchers}}}", window)

    def answers_within(self, seconds: float, window: str) -> str:
        """Requests per second that took at most so long; `seconds` is a bound of the histogram."""
        # Prometheus 3 writes whole bounds with a decimal, Prometheus 2 and the Go client without.
        bound = f"{seconds:g}"
        bound = bound if "." in bound else f"{bound}([.]0)?"
        return self._sum(f'{self.histogram}_bucket{{{self.matchers},le=~"{bound}"}}', window)

    def quantile(self, quantile: float, window: str) -> str:
        """Duration that this share of the requests does not exceed, in seconds."""
        buckets = f"sum by (le) (rate({self.histogram}_bucket{{{self.matchers}}}[{window}]))"
        return self._labelled(f"histogram_quantile({quantile:g}, {buckets})")

    def by_status(self, window: str) -> str:
        """Requests per second of each status code."""
        return f"sum by ({self.status}) (rate({self.counter}{{{self.matchers}}}[{window}]))"

    def _sum(self, series: str, window: str) -> str:
        return self._labelled(f"sum(rate({series}[{window}]))")

    def _labelled(self, expr: str) -> str:
        return f'label_replace({expr}, "namespace", "{self.namespace}", "", "")'
