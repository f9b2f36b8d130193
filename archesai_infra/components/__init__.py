"""One file per thing deployed: its settings, its arguments, its component, its connection."""
