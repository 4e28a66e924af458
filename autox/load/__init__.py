"""Load generators, usable without Kubernetes."""
