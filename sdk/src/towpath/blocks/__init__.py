"""Blocks: configuration and credentials that flows load by name.

`core` has the class `Block`, `system` and `notifications` the types for everyday use; file systems are in
`towpath.filesystems`, clouds and databases in `towpath.contrib`.
"""
