"""Public data sets and foreign files turned into plants and events; they go the same way in as a site's own.

femto       `pipelines.imports.femto`      PRONOSTIA bearings, run to failure (IEEE PHM 2012)
cmapss      `pipelines.imports.cmapss`     NASA turbofan engines, run to failure
events      `pipelines.imports.events`     maintenance events from a CSV file
plantfile   `pipelines.imports.plantfile`  the plant file that an import writes once
"""
