"""A small ERP to try Wearcast against: a program of its own, with its own database, numbers and page.

Like most ERPs it does not enforce keys: two creates with one key are two orders. It serves on this machine
only and refuses requests that are not signed.

app     `serving.sandbox_erp.app`     routes and signature check
book    `serving.sandbox_erp.book`    orders and their changes in SQLite
faults  `serving.sandbox_erp.faults`  answers that get lost, on purpose
main    `serving.sandbox_erp.main`    starts it
"""

from serving.sandbox_erp.app import Manners, create_app
from serving.sandbox_erp.faults import FaultPlan
from serving.sandbox_erp.main import main

__all__ = ["FaultPlan", "Manners", "create_app", "main"]
