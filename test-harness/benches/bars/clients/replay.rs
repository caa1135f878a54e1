//! A client that makes recorded requests again, parses each response as JSON and drops it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use jumpcloud_simulator::RecordedRequest;
use serde_json::Value;
use tokio::task::JoinSet;

use super::web::Web;
use crate::Result;

pub(super) async fn replay(web: &Arc<Web>, requests: Option<&Path>) -> Result<()> {
    let requests = std::fs::read(requests.ok_or("a replay needs requests")?)?;
    let requests: Arc<Vec<RecordedRequest>> = Arc::new(serde_json::from_slice(&requests)?);
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..web.concurrency() {
        workers.spawn(work(Arc::clone(web), Arc::clone(&requests), Arc::clone(&next)));
    }
    workers.join_all().await.into_iter().collect()
}

/// Makes one request after the other, until there is none that no other worker has taken.
async fn work(web: Arc<Web>, requests: Arc<Vec<RecordedRequest>>, next: Arc<AtomicUsize>) -> Result<()> {
    while let Some(request) = requests.get(next.fetch_add(1, Relaxed)) {
        let body = Some(&request.body).filter(|body| !body.is_empty()).cloned();
        let page = web.send(request.method.parse()?, &request.path, body).await?;
        // The scan had the same errors: some endpoints exist only in some organisations.
        if page.status.is_success() {
            serde_json::from_slice::<Value>(&page.body)?;
        }
    }
    Ok(())
}
