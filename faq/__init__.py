"""Knowledge: FAQ documents → entries. Knows nothing of search or conversation."""
