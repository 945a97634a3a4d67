"""The one way into the lake: from a historian's pages to measurements, waveforms and their quality.

reading   `pipelines.ingest.reading`   the loop: groups, pages, watermark
pages     `pipelines.ingest.pages`     one page into the lake, so that a kill anywhere loses and doubles nothing
keys      `pipelines.ingest.keys`      what of a page is new, what is a revision, what is there already
watch     `pipelines.ingest.watch`     gap register and sensor states after the pages
report    `pipelines.ingest.report`    progress and result
"""

from pipelines.ingest.pages import quarantine
from pipelines.ingest.reading import SKEW, ingest
from pipelines.ingest.report import IngestProgress, IngestReport, Stage

__all__ = ["SKEW", "IngestProgress", "IngestReport", "Stage", "ingest", "quarantine"]
