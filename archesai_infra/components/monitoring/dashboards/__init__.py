"""Dashboards of the cluster's own metrics and of the logs; components bring those of their servers."""
