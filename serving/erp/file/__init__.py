"""Orders through two folders, for a customer's own middleware.

- `adapter`: the port `Orders` and `Assets`.
- `drop`: files that appear whole, under names that are never used twice.
- `answers`: what the middleware tells back.
"""

from serving.erp.file.adapter import FileErp

__all__ = ["FileErp"]
