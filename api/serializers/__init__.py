"""Serializers of rows, inputs and queries."""
