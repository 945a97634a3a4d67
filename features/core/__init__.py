"""Words, plant, statements, tables, lake, model registry: what everything else stands on."""
