"""From statements, recommendations and what waits for people to the texts of a page; templates only lay them out.

components  `serving.web.views.components`  a component as a row or a section
attention   `serving.web.views.attention`   what waits for a person
evidence    `serving.web.views.evidence`    why: features, limits, lines of a spectrum
orders      `serving.web.views.orders`      a recommendation and its order
"""

from serving.web.views.components import ComponentView, component_view, counts, list_views
from serving.web.views.orders import OrderView, order_view

__all__ = ["ComponentView", "OrderView", "component_view", "counts", "list_views", "order_view"]
