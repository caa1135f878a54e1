//! A client for the tests of the simulator.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use jiff::Timestamp;
use jumpcloud_simulator::{Simulator, SimulatorOptions};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;

/// A moment, so that tests see the same log-ins every day.
pub fn options() -> SimulatorOptions {
    SimulatorOptions { now: "2026-06-01T12:00:00Z".parse::<Timestamp>().unwrap(), ..Default::default() }
}

pub fn with_faults(faults: &[&str]) -> SimulatorOptions {
    SimulatorOptions { faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(), ..options() }
}

pub async fn start(options: SimulatorOptions) -> Simulator {
    Simulator::start(options).await.unwrap()
}

pub fn client() -> Client {
    // A second test in the same process finds a provider in place.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

/// A console: the simulator and a client that has its key.
pub struct Console {
    pub simulator: Simulator,
    pub client: Client,
}

impl Console {
    pub async fn start(options: SimulatorOptions) -> Self {
        Self { simulator: start(options).await, client: client() }
    }

    pub fn request(&self, path: &str) -> RequestBuilder {
        self.client.get(self.simulator.url() + path).header("x-api-key", self.simulator.api_key())
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(path).send().await.unwrap()
    }

    pub async fn status(&self, path: &str) -> u16 {
        self.get(path).await.status().as_u16()
    }

    pub async fn json(&self, path: &str) -> Value {
        self.get(path).await.error_for_status().unwrap().json().await.unwrap()
    }

    pub async fn post(&self, path: &str, body: Value) -> Response {
        let request = self.client.post(self.simulator.url() + path).header("x-api-key", self.simulator.api_key());
        request.header("content-type", "application/json").body(body.to_string()).send().await.unwrap()
    }

    /// All rows of a listing, by whole pages, until a page is not full.
    pub async fn all(&self, path: &str, limit: usize) -> Vec<Value> {
        let mark = if path.contains('?') { '&' } else { '?' };
        let mut all = Vec::new();
        for page in 0.. {
            let skip = page * limit;
            let body = self.json(&format!("{path}{mark}limit={limit}&skip={skip}")).await;
            let rows = rows(&body);
            let last = rows.len() < limit;
            all.extend(rows.iter().cloned());
            if last {
                break;
            }
        }
        all
    }
}

pub fn rows(body: &Value) -> &Vec<Value> {
    body.as_array().or_else(|| body["results"].as_array()).unwrap()
}

pub fn texts(rows: &[Value], pointer: &str) -> Vec<String> {
    rows.iter().map(|row| row.pointer(pointer).unwrap().as_str().unwrap().to_owned()).collect()
}
