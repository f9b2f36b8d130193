"""Tools of the repository: test tiers, generated files, measurements. The program does not need them."""
