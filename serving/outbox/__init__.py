"""From the store to the ERP: exactly one order a key, whatever crashes.

delivery   `serving.outbox.delivery`   claims, look-ups, creates: the one way out
rules      `serving.outbox.rules`      leases, pauses, tries
exchanges  `serving.outbox.exchanges`  requests and answers into the audit
"""

from serving.outbox.delivery import DeliveryReport, deliver
from serving.outbox.exchanges import recorder
from serving.outbox.rules import DeliveryRules, backoff, delivery_rules

__all__ = ["DeliveryReport", "DeliveryRules", "backoff", "deliver", "delivery_rules", "recorder"]
