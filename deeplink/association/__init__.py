"""
What Android and iOS read to decide which links belong to an app: build, read, lint, match.

The law of this room: values in, values out. No files, no network, no clock, no Flask.
"""
