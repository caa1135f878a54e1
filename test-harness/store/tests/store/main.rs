//! One suite of tests for both databases: see `backend`.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod backend;
mod cluster;
mod kept;
mod organisation;
mod privacy;
mod seam;
mod support;
