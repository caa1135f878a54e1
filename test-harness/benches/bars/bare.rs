//! The yardsticks: a client that downloads the same pages as a scan of the core sections, as many side by side, and looks
//! at nothing but totals and the groups' ids; and one that besides reads each page as JSON and writes it to a file.

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use jumpcloud_simulator::Simulator;
use reqwest::Client;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::Result;
use super::process::{self, Usage};
use super::scan::CONCURRENCY;

/// How far one page starts behind the one before, as in a scan.
const STRIDE: u64 = 99;
/// The variable that holds the key.
const KEY: &str = "ORBISID_CREDENTIAL_PASSWORD";

/// What was downloaded.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Downloaded {
    pub(crate) pages: u64,
    pub(crate) bytes: u64,
    pub(crate) seconds: f64,
}

/// What the client does with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Forget,
    /// Reads it as JSON, keeps nothing of it, and writes it to a file.
    ReadAndWrite,
}

/// Downloads in a process of its own.
pub(crate) async fn run(simulator: &Simulator, then: Then) -> Result<(Usage, Downloaded)> {
    let mut arguments = vec!["download".into(), simulator.url().into(), CONCURRENCY.to_string().into()];
    arguments.extend((then == Then::ReadAndWrite).then(|| "--read-and-write".into()));
    let program = std::env::current_exe()?;
    let usage = process::run(Path::new(&program), &arguments, simulator.api_key()).await?.expect(&[0])?;
    let downloaded = serde_json::from_str(&usage.stdout)?;
    Ok((usage, downloaded))
}

/// Downloads, and prints what. The key is in the environment.
pub(crate) async fn download(url: &str, concurrency: usize, then: Then) -> Result<()> {
    let began = Instant::now();
    // An error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let file = (then == Then::ReadAndWrite).then(tempfile::tempfile).transpose()?;
    let bare = Bare { client: Client::builder().no_proxy().build()?, key: std::env::var(KEY)?, file };
    let (lists, listings) = bare.lists(url).await?;
    let bare = &bare;
    let page_at = |list: String, skip: u64| async move {
        let page = bare.page(&format!("{list}&skip={skip}")).await?;
        Ok::<_, Box<dyn Error + Send + Sync>>((list, page))
    };
    let first: Vec<(String, Page)> =
        stream::iter(lists).map(|list| page_at(list, 0)).buffer_unordered(concurrency).try_collect().await?;
    let rest = first.iter().flat_map(|(list, page)| {
        let skips = (1..).map(|at| at * STRIDE).take_while(|skip| skip + 1 < page.total);
        skips.map(move |skip| page_at(list.clone(), skip))
    });
    let (more, more_bytes) = stream::iter(rest)
        .buffer_unordered(concurrency)
        .try_fold((0, 0), |(pages, bytes), (_, page)| async move { Ok((pages + 1, bytes + page.body.len() as u64)) })
        .await?;
    let first_bytes: u64 = first.iter().map(|(_, page)| page.body.len() as u64).sum();
    let downloaded = Downloaded {
        pages: listings + first.len() as u64 + more,
        bytes: first_bytes + more_bytes,
        seconds: began.elapsed().as_secs_f64(),
    };
    println!("{}", serde_json::to_string(&downloaded)?);
    Ok(())
}

struct Bare {
    client: Client,
    key: String,
    /// Where pages are written, if they are.
    file: Option<File>,
}

struct Page {
    body: Bytes,
    total: u64,
}

impl Bare {
    /// The listings of users and of each group's members, and the requests that it took to find the groups.
    async fn lists(&self, url: &str) -> Result<(Vec<String>, u64)> {
        #[derive(Deserialize)]
        struct Group {
            id: String,
        }
        let mut lists = vec![format!("{url}/api/systemusers?sort=_id&limit=100")];
        for requests in 1.. {
            let skip = lists.len() - 1;
            let page = self.page(&format!("{url}/api/v2/usergroups?sort=name&limit=100&skip={skip}")).await?;
            let groups: Vec<Group> = serde_json::from_slice(&page.body)?;
            let ends = groups.is_empty();
            lists.extend(
                groups.into_iter().map(|group| format!("{url}/api/v2/usergroups/{}/members?limit=100", group.id)),
            );
            if ends || lists.len() as u64 > page.total {
                return Ok((lists, requests));
            }
        }
        Err("there is no end to the groups".into())
    }

    async fn page(&self, url: &str) -> Result<Page> {
        let answer = self.client.get(url).header("x-api-key", &self.key).send().await?.error_for_status()?;
        let header = answer.headers().get("x-total-count").and_then(|total| total.to_str().ok()?.parse().ok());
        let body = answer.bytes().await?;
        if let Some(mut file) = self.file.as_ref() {
            serde_json::from_str::<IgnoredAny>(std::str::from_utf8(&body)?)?;
            file.write_all(&body)?;
        }
        Ok(Page { total: header.or_else(|| total_count(&body)).unwrap_or(0), body })
    }
}

/// The number behind `"totalCount":`, which stands at the front.
fn total_count(body: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"\"totalCount\":";
    let front = &body[..body.len().min(64)];
    let at = front.windows(NAME.len()).position(|window| window == NAME)? + NAME.len();
    let digits = front[at..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |total, digit| total * 10 + u64::from(digit - b'0')))
}
