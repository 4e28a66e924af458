"""One pod on its node: from the moment it is seen to the last trace of it, and where its containers live."""
