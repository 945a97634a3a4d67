"""The demo's part on this side: learn on a simulated plant and on real bearings, take answers back."""
