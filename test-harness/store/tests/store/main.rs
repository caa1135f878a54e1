//! One suite of tests for both databases: see `backend`.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod access;
mod auditor;
mod backend;
mod cleared;
mod cluster;
mod connections;
mod copied;
mod cycles;
mod kept;
mod kill;
mod kill_maintenance;
mod leases;
mod lost_answer;
mod maintenance;
mod organisation;
mod overtaken;
mod pages;
mod persons;
mod privacy;
mod questions;
mod readers;
mod rows;
mod seam;
mod server;
mod sparing;
mod support;
mod tls;
mod upgraded;
mod views;
