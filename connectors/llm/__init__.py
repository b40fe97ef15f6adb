"""The one gateway in front of every language model."""
