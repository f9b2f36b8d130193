"""Settings: what a stack file may say, and what is said about one that may not."""
