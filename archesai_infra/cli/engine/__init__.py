"""Finding the Pulumi engine and running it."""
