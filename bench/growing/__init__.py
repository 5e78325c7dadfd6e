"""What the bench of growth, and the test of its plans, measure: rows of a user, the lists of the contract, plans."""
