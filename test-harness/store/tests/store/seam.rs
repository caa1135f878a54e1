//! Scans that are interrupted, that meet another one, or that remove too much.
