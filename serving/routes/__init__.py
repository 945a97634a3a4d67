"""The API: JSON in, JSON out, errors as problem documents.

machines     `serving.routes.machines`     machines by risk, and what was said about one
predictions  `serving.routes.predictions`  a statement for a request
history      `serving.routes.history`      the body of such a request -> frames of the lake's tables
work_orders  `serving.routes.work_orders`  recommendations and their orders, decisions of people
attention    `serving.routes.attention`    what waits for a person, and the words that end it
erp_events   `serving.routes.erp_events`   messages of the ERP that something changed
health       `serving.routes.health`       liveness and readiness
metrics      `serving.routes.metrics`      Prometheus
"""
