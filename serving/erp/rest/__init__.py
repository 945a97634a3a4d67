"""Any REST CMMS by a mapping file; no code in it, no template language.

- `adapter`: the port `Orders` and `Assets` over a mapping.
- `mapping`, `requests`, `readings`: what a mapping file can say; `files`: reading one, errors with their place.
- `templates`, `values`, `times`, `paths`: placeholders, what they stand for, moments, places in answers.
- `caller`, `answers`: sending and reading.

Shipped mappings are `serving/erp/mappings/*.yaml`.
"""

from serving.erp.rest.adapter import Rest

__all__ = ["Rest"]
