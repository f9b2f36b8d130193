"""`arches init`: a stack file for a new stack."""
