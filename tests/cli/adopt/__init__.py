"""Moving over from the old deployment."""
