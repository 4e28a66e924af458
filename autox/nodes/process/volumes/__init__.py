"""The files a container finds: volumes, what stands in them, and where the content comes from."""
