"""The demo's part on this side: from predictions to an order in the stand-in ERP, and its answer back."""
