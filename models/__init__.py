"""The recipe of the sentiment model: prepare, train, evaluate, export."""
