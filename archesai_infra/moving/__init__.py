"""Moving over from the old Helm chart and the Kustomize deployment it made."""
