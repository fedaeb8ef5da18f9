"""Groundcrew: what is deployed."""

__version__ = "0.1.0"
