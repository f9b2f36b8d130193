"""Alerts on what Kubernetes and the monitoring report about themselves; components bring those on their servers."""
