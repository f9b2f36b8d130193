"""Components: one behaviour each, on stacks with little else in them."""
