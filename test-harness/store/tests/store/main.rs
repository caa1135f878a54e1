//! One suite of tests for both databases: see `backend`.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod access;
mod auditor;
mod backend;
mod cluster;
mod copied;
mod house;
mod kept;
mod kill;
mod kill_house;
mod organisation;
mod persons;
mod privacy;
mod questions;
mod readers;
mod seam;
mod support;
mod tls;
mod views;
