"""`arches import-values`: a stack file from the values of the Helm chart."""
