"""Monitoring: Prometheus, Grafana, Loki and Alloy as releases, and what they watch, show and alert on."""
