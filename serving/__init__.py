"""From the lake and the model registry to people and the ERP.

Where do I go to...
    add an ERP?                         `serving.erp`
    see how a prediction becomes work?  `serving.planning`, then `serving.outbox`
    see how orders come back?           `serving.sync`
    change a route or a page?           `serving.routes`, `serving.web`
"""
