"""Text and bytes of others, read and written as their programs do."""
