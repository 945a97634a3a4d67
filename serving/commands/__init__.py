"""The commands of this side, one module a noun.

console  `serving.commands.console`  settings, one clear line for an error, facts as a table or JSON
rounds   `serving.commands.rounds`   plan, deliver, sync, worker
erp      `serving.commands.erp`      the connection: check, test order, stop, resume, incidents, precision
assets   `serving.commands.assets`   the plant's machines against the ERP's equipment
audit    `serving.commands.audit`    the hash-chained log
"""
