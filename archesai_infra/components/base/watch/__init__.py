"""What components bring to the monitoring: alerts, panels, monitors and exporters, each in its component's folder."""
