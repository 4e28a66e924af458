"""What commands share: which cluster and which objects are meant, what is shown of them, and how a terminal is used."""
