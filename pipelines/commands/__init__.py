"""Groups of commands that are too large for `pipelines.__main__`, and what all commands share.

console  settings, errors, progress and tables of a command
model    `wearcast model`: list, compare, promote, roll back, shadow
"""
