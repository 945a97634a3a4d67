"""Where orders and assets stand in Maximo: object structures and the fields that are read of them."""

from dataclasses import dataclass

from serving.erp.maximo.client import Client
from serving.erp.maximo.options import MaximoOptions
from serving.erp.maximo.wire import REQUEST, condition
from serving.erp.port import Asset

__all__ = ["Structure", "of_site", "order_structures", "read_assets"]

_BOTH = "siteid,status,statusdate,changedate,historyflag,description,location,assetnum,failurecode,problemcode"
# In order of the fields of `Asset`.
_OF_ASSETS = ("location", "assetnum", "description", "parent", "assettype", "serialnum")
_OF_LOCATIONS = ("location", "description", "parent", "type")


@dataclass(frozen=True, slots=True)
class Structure:
    """An object structure that holds orders.

    Attributes:
        name: Of the structure.
        select: Fields that are read.
        key: Field of the order key.
        number: Field of the number that people know.
        priority: Field of the priority.
        order_by: A field that never changes.
    """

    name: str
    select: str
    key: str
    number: str
    priority: str
    order_by: str

    def has(self, number: str) -> bool:
        """A number as we tell it belongs here."""
        return number.startswith(REQUEST) == (self.number == "ticketid")


def order_structures(options: MaximoOptions) -> tuple[Structure, ...]:
    """Work orders, and service requests where the site wants them."""
    own = "wonum,workorderid,wopriority,actfinish,faildate,failurereport{type,failurecode,linenum}"
    key = options.key_field
    orders = Structure(options.order_structure, f"{_BOTH},{own},{key}", key, "wonum", "wopriority", "workorderid")
    if not options.has_requests:
        return (orders,)
    key, own = options.request_key_field, "ticketid,reportedpriority,actualfinish,worklog{description}"
    select = f"{_BOTH},{own},{key}"
    return orders, Structure(options.request_structure, select, key, "ticketid", "reportedpriority", "ticketid")


def of_site(options: MaximoOptions) -> str:
    """The condition that keeps to the site; empty: no site is set."""
    return condition("siteid", "=", options.site) if options.site else ""


def read_assets(client: Client, options: MaximoOptions) -> list[Asset]:
    """Assets with their locations, then locations."""
    found, site = [], of_site(options)
    select = ",".join(_OF_ASSETS)
    for row in client.members(options.asset_structure, site, select, "assets", order_by="+assetnum"):
        found.append(Asset(*(str(row.get(name) or "") for name in _OF_ASSETS)))
    if options.location_structure:
        select = ",".join(_OF_LOCATIONS)
        for row in client.members(options.location_structure, site, select, "assets", order_by="+location"):
            place, *words = (str(row.get(name) or "") for name in _OF_LOCATIONS)
            found.append(Asset(place, "", *words))
    return found
