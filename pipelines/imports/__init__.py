"""Public data sets and foreign files turned into plants and events; they go the same way in as a site's own.

femto             PRONOSTIA bearings, run to failure (IEEE PHM 2012)
femto_runs        which runs a folder of them holds, and how much of each may be seen
cmapss            NASA turbofan engines, run to failure
azure_pdm         a simulated fleet with telemetry, errors and a maintenance log
production_plant  runs of a plant's component to its end of life
events            maintenance events from a CSV file
work_orders       closed work orders of an ERP's export, by a map of columns and codes
order_map         that map
chillers          work orders of building chillers
plantfile         the plant file that an import writes once
"""
