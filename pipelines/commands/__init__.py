"""The commands of the pipelines' side, one module a noun; `check`, `demo` and `up` are in `pipelines.__main__`.

console   settings, errors, progress and tables of a command
imports   `wearcast import`: public data sets
events    `wearcast events`: import, orders, review
orders    what a file of work orders brought, as tables
rounds    `wearcast ingest` and `score`
learning  `wearcast train` and `tune`
discover  `wearcast features discover`
model     `wearcast model`: list, compare, promote, roll back, shadow
card      `wearcast model card` and `evaluate`
"""
