"""The fast HTTP/1.1 client under load generators: a parser without I/O, and connections."""
