"""The first stage: from files to trees of dict, list and str, strictly, in parallel, and only once."""
